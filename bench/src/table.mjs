/** The figures as text for a terminal. */
export function table(rows) {
  const lines = [['name', 'unit', 'tollgate', 'peer', 'ratio', 'bar', '']];
  for (const { name, unit, ours, peer, ratio, bar, met } of rows) {
    lines.push([
      name,
      unit,
      figure(ours),
      figure(peer),
      figure(ratio),
      bar,
      met === null ? '' : met ? 'met' : 'MISSED',
    ]);
  }
  const widths = lines[0].map((_, i) => Math.max(...lines.map((line) => line[i].length)));
  const numbers = new Set([2, 3, 4]);
  return lines
    .map((line) =>
      line
        .map((cell, i) => (numbers.has(i) ? cell.padStart(widths[i]) : cell.padEnd(widths[i])))
        .join('  ')
        .trimEnd(),
    )
    .join('\n');
}

/** Three significant digits. */
export function figure(number) {
  if (number === null) return '–';
  if (Number.isInteger(number) || Math.abs(number) >= 100) return String(Math.round(number));
  return number.toPrecision(3);
}
