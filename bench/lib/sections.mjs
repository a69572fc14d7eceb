// Sections of docs/benchmarks.md that runs of their own write: what took too long for `make bench`.
import { readFileSync, writeFileSync } from 'node:fs';

const PAGE = new URL('../../docs/benchmarks.md', import.meta.url);

/** Writes a section into docs/benchmarks.md, in the place of its last run's. */
export function publishSection(title, text) {
  writeFileSync(PAGE, withSection(readFileSync(PAGE, 'utf8'), title, text));
}

/** A page with the section in the place of the one that it has, else before the last one. */
function withSection(page, title, text) {
  const from = page.indexOf(`## ${title}`);
  const rest = page.indexOf('\n## ', from === -1 ? page.indexOf('\n## Again') : from) + 1;
  return `${page.slice(0, from === -1 ? rest : from)}## ${title}\n\n${text}\n\n${page.slice(rest)}`;
}
