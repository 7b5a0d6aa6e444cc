/** A token with one character of its header (0), payload (1) or signature (2) changed. */
export function tampered(token, part) {
  const parts = token.split('.');
  const middle = parts[part].length >> 1;
  const other = parts[part][middle] === 'A' ? 'B' : 'A';
  parts[part] = parts[part].slice(0, middle) + other + parts[part].slice(middle + 1);
  return parts.join('.');
}
