// Writes docs/nat-matrix.md from what the parts measured.
import { writeFileSync } from 'node:fs';
import { report } from './lib/report.mjs';
import { kept } from './lib/results.mjs';

const REPORT = new URL('../docs/nat-matrix.md', import.meta.url).pathname;
// Nothing was measured where there are no namespaces.
const matrix = kept('matrix');
if (matrix !== null) writeFileSync(REPORT, report({ matrix, setup: kept('setup'), switches: kept('switches') }));
