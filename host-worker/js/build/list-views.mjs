// Gives a method of the host lists of bytes as views of the component's memory.
import { parse } from 'acorn';
import { edited, walk } from './syntax-tree.mjs';

/**
 * Where a method of an imported resource is called, `new Uint8Array(memory0.buffer.slice(ptr, ptr +
 * len * 1))` becomes `new Uint8Array(memory0.buffer, ptr, len * 1)`: the copies, and the buffers that
 * hold them, cost more than the rest of the call. The component may overwrite the bytes, and its
 * memory may move, as soon as the method has returned, so the host must have read them by then.
 *
 * @param {string} source jco's glue
 * @param {string} method
 * @returns {string}
 */
export function listsAsViews(source, method) {
  const tree = parse(source, { ecmaVersion: 'latest', sourceType: 'module' });
  const edits = [];
  const text = (node) => source.slice(node.start, node.end);
  walk(tree, (node, parents) => {
    if (
      node.type !== 'NewExpression' ||
      node.callee.name !== 'Uint8Array' ||
      node.arguments[0]?.type !== 'CallExpression' ||
      !text(node.arguments[0].callee).endsWith('.buffer.slice')
    )
      return true;
    const trampoline = parents.findLast(({ type }) => type === 'FunctionExpression');
    if (trampoline === undefined || !calls(trampoline, method)) return true;
    const [from, to] = node.arguments[0].arguments;
    if (to.type !== 'BinaryExpression' || text(to.left) !== text(from)) return true;
    const buffer = text(node.arguments[0].callee.object);
    edits.push({
      start: node.start,
      end: node.end,
      text: `new Uint8Array(${buffer}, ${text(from)}, ${text(to.right)})`,
    });
    return false;
  });
  if (edits.length === 0)
    throw new Error(`jco lifts the lists of bytes for \`${method}\` in a new way: adapt build/list-views.mjs.`);
  return edited(source, edits);
}

/** Whether a function calls a method `rsc….method(…)` of an imported resource. */
function calls(within, method) {
  let found = false;
  walk(within, (node) => {
    found ||=
      node.type === 'CallExpression' &&
      node.callee.type === 'MemberExpression' &&
      /^rsc\d+$/.test(node.callee.object.name) &&
      node.callee.property.name === method;
    return !found;
  });
  return found;
}
