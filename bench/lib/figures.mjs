// Medians, and rows of a table.

export function median(numbers) {
  const sorted = [...numbers].sort((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The median, and in brackets the least and the most where there are several. */
export function spread(numbers, digits) {
  const [least, most] = [Math.min(...numbers), Math.max(...numbers)].map((number) => number.toFixed(digits));
  const middle = median(numbers).toFixed(digits);
  return numbers.length > 1 ? `${middle} (${least} – ${most})` : middle;
}

export function table(head, rows) {
  const line = (cells) => `| ${cells.join(' | ')} |`;
  return [line(head), line(head.map((_, index) => (index === 0 ? '---' : '---:'))), ...rows.map(line)].join('\n');
}

/** Whether a figure keeps to its goal, as the table says it. */
export function verdict(figure, goal) {
  return figure <= goal ? 'met' : '**not met**';
}
