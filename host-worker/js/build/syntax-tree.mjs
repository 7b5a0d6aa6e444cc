// What the two rewritings of jco's glue share: looking through its syntax tree, and editing by place.

/**
 * Visits every node with its parents, outermost first. Below a node for which the visitor answers
 * `false` it does not go.
 */
export function walk(node, visit, parents = []) {
  if (visit(node, parents) === false) return;
  parents.push(node);
  for (const value of Object.values(node)) {
    for (const child of Array.isArray(value) ? value : [value]) {
      if (typeof child?.type === 'string') walk(child, visit, parents);
    }
  }
  parents.pop();
}

/** The source with edits made: `text` in place of what stands from `start` to `end`. */
export function edited(source, edits) {
  const inOrder = edits.toSorted((a, b) => a.start - b.start || b.end - a.end);
  let result = '';
  let at = 0;
  for (const { start, end, text } of inOrder) {
    if (start < at) continue; // inside one that is replaced as a whole
    result += source.slice(at, start) + text;
    at = end;
  }
  return result + source.slice(at);
}
