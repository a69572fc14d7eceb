// What was measured, in few words.

/// How the runs of a cell went: `direct 9/10, failed 1/10`, in bold where theory says otherwise.
export function rates({ path, runs }) {
  const counts = new Map();
  for (const run of runs) counts.set(run.path, (counts.get(run.path) ?? 0) + 1);
  const text = [...counts].map(([each, count]) => `${each} ${count}/${runs.length}`).join(', ');
  return counts.get(path) === runs.length ? text : `**${text}**`;
}

/// One cell as a line for the terminal.
export function summary(cell) {
  const failures = cell.runs.flatMap(({ why }) => why ?? []);
  const times = setupTimes([cell]);
  const typical = times.length > 0 ? `, ${Math.round(percentile(times, 0.5))} ms` : '';
  return [`${cell.left.name} – ${cell.right.name}: ${rates(cell)}, expected ${cell.path}${typical}`, ...failures].join('\n  ');
}

export function setupTimes(cells) {
  return cells.flatMap(({ runs }) => runs.flatMap(({ setupMs }) => setupMs ?? []));
}

export function percentile(times, share) {
  const sorted = times.toSorted((a, b) => a - b);
  return sorted[Math.max(0, Math.ceil(sorted.length * share) - 1)];
}

/// A row of a table: how many, and milliseconds.
export function timesRow(name, times, shares) {
  return [name, times.length, ...shares.map((share) => (times.length > 0 ? Math.round(percentile(times, share)) : '–'))];
}
