// What the parts of a laboratory run measured, kept until the report is written.
import { existsSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs';

const DIRECTORY = new URL('../out/', import.meta.url).pathname;

export function keep(part, results) {
  mkdirSync(DIRECTORY, { recursive: true });
  writeFileSync(`${DIRECTORY}${part}.json`, JSON.stringify(results));
}

/// The results of a part, null where it was not run.
export function kept(part) {
  const file = `${DIRECTORY}${part}.json`;
  return existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : null;
}
