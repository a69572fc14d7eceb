// Writes docs/nat-matrix.md from what the parts measured. A part that was not run keeps its section
// as it is.
import { readFileSync, writeFileSync } from 'node:fs';
import { MATRICES } from './lib/matrices.mjs';
import { sections, together } from './lib/report.mjs';
import { kept } from './lib/results.mjs';

const REPORT = new URL('../docs/nat-matrix.md', import.meta.url).pathname;
const of = (part) => MATRICES.flatMap(({ devices }) => kept(`${part} of ${devices}`) ?? []);
const measured = sections({ matrices: of('matrix'), setups: of('setup'), switches: of('switches') });
// Nothing was measured where there are no namespaces.
if (measured.size > 0) writeFileSync(REPORT, together(readFileSync(REPORT, 'utf8'), measured));
