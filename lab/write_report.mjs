// Writes docs/nat-matrix.md from what the parts measured.
import { writeFileSync } from 'node:fs';
import { MATRICES } from './lib/matrices.mjs';
import { report } from './lib/report.mjs';
import { kept } from './lib/results.mjs';

const REPORT = new URL('../docs/nat-matrix.md', import.meta.url).pathname;
const of = (part) => MATRICES.flatMap(({ devices }) => kept(`${part} of ${devices}`) ?? []);
const matrices = of('matrix');
// Nothing was measured where there are no namespaces.
if (matrices.length > 0) writeFileSync(REPORT, report({ matrices, setups: of('setup'), switches: of('switches') }));
