// Which devices meet in the matrix, and in which pairings of NATs.
import { Browser } from './browsers.mjs';
import { KINDS } from './kinds.mjs';
import { Native } from './natives.mjs';

const kinds = Object.values(KINDS);
/// Every pair of kinds once, in an order in which neighbours share the first.
const once = kinds.flatMap((a, i) => kinds.slice(i).map((b) => [a, b]));
/// Where the devices differ, it matters which of them is behind which.
const bothWays = kinds.flatMap((a) => kinds.map((b) => [a, b]));

export const MATRICES = [
  { devices: 'native and native', sides: [Native, Native], pairings: once },
  { devices: 'browser and native', sides: [Browser, Native], pairings: bothWays },
  { devices: 'browser and browser', sides: [Browser, Browser], pairings: once },
];
