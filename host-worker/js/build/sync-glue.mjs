// Cuts jco's glue down to what a component without `async` needs.
//
// jco 1.35 generates one runtime for everything: each call of an export makes a task object and
// two promises, each call of an import a second task and a subtask, and a table of lifting
// functions for suspended imports comes along. Nothing in Tollgate's world suspends, so none of
// that can ever be observed: it costs 3/4 of the glue's size and most of a call's time.
//
// The per-function code that jco derives from the WIT (lowering, lifting, post-return, handle
// tables) is kept as it is. What changes is by name and by syntax tree, never by text search, and
// a name that is missing stops the build: a jco update cannot pass through here unnoticed.
import { parse } from 'acorn';
import { listsAsViews } from './list-views.mjs';
import { STAND_INS } from './stand-ins.mjs';
import { edited, walk } from './syntax-tree.mjs';

/**
 * @param {string} source jco's glue, made with synchronous instantiation
 * @param {string[]} [views] methods of the host that get lists of bytes as views of the component's
 *   memory, and not as copies: see build/list-views.mjs
 * @returns {string} the same exports, without the asynchronous runtime
 */
export function syncGlue(source, views = []) {
  source = edit(source, standIns);
  source = untilStable(source, plainCalls);
  for (const method of views) source = listsAsViews(source, method);
  source = untilStable(source, deadDeclarations);
  refuseLeftovers(source);
  return source;
}

/** The function that makes the exports: what it declares, every function of an export sees. */
export function generator(tree) {
  let found;
  walk(tree, (node) => {
    if (node.type === 'FunctionExpression' && node.generator) found = node;
    return found === undefined;
  });
  if (found === undefined) throw new Error("jco's glue has no generator: adapt build/sync-glue.mjs.");
  return found;
}

/**
 * Names of the asynchronous runtime, of what workerd forbids or does not have, and of a second
 * memory.
 */
const LEFTOVERS = new Set([
  'task',
  'subtask',
  'AsyncTask',
  'createNewCurrentTask',
  'Promise',
  'Suspending',
  'promising',
  'eval',
  'Function',
  'process',
  'Buffer',
  'fetch',
  'compile',
  'memory1',
]);

function refuseLeftovers(source) {
  walk(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }), (node) => {
    if (node.async || node.type === 'YieldExpression' || (node.type === 'Identifier' && LEFTOVERS.has(node.name))) {
      const [line] = source.slice(node.start).split('\n');
      throw new Error(
        `jco's glue has what must not be in it (\`${line.trim()}\`). jco has changed: look at what it generates and adapt build/sync-glue.mjs.`,
      );
    }
    return true;
  });
}

function untilStable(source, collect) {
  for (;;) {
    const next = edit(source, collect);
    if (next === source) return source;
    source = next;
  }
}

/** Applies the replacements that `collect` finds; the outermost of nested ones wins. */
function edit(source, collect) {
  return edited(source, collect(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }), source));
}

function standIns(tree) {
  const edits = [];
  const missing = new Set(Object.keys(STAND_INS));
  for (const { name, node } of declarations(tree)) {
    if (!missing.delete(name)) continue;
    edits.push({ start: node.start, end: node.end, text: STAND_INS[name].trim() });
  }
  if (missing.size > 0) {
    throw new Error(
      `jco's glue does not declare ${[...missing].join(', ')}. Its version has changed: look at what it generates and adapt build/sync-glue.mjs.`,
    );
  }
  return edits;
}

/** Replaces what only serves suspension and the accounts of tasks by what it leads to. */
function plainCalls(tree, source) {
  const edits = [];
  const text = (node) => source.slice(node.start, node.end);
  const replace = (node, by) => {
    edits.push({ start: node.start, end: node.end, text: by });
    return false;
  };
  walk(tree, (node, parents) => {
    switch (node.type) {
      case 'ExpressionStatement': {
        const { expression } = node;
        // _debugLog(…); task.resolve(…); INSTANCE_FLAGS.set(…);
        if (
          expression.type === 'CallExpression' &&
          /^(_debugLog|task\.\w+|INSTANCE_FLAGS\.set|curResourceBorrows\.push)$/.test(text(expression.callee))
        )
          return replace(node, '');
        // curResourceBorrows = []
        if (expression.type === 'AssignmentExpression' && text(expression.left) === 'curResourceBorrows')
          return replace(node, '');
        // table._createdReps = …; f.fnName = …; HANDLE_TABLES[0] = …; read only by what is cut
        if (expression.type === 'AssignmentExpression' && expression.left.type === 'MemberExpression') {
          if (
            /\._createdReps$|\._componentIdx$|\.fnName$|^HANDLE_TABLES\[|^CURRENT_TASK_MAY_BLOCK\./.test(
              text(expression.left),
            )
          )
            return replace(node, '');
        }
        return true;
      }
      case 'VariableDeclaration': {
        // const [task, id] = createNewCurrentTask(…); const started = task.enterSync();
        const { init } = node.declarations[0];
        // var encodeRes = …; var ptr0 = encodeRes.ptr; var len0 = encodeRes.len; again and again: one
        // variable for many texts would keep `outline` from seeing that each is on its own.
        if (node.declarations[0].id.name === 'encodeRes') {
          const list = parents.at(-1).body ?? parents.at(-1).consequent;
          const [ptr, len] = list.slice(list.indexOf(node) + 1).map((next) => next.declarations?.[0]);
          if (text(ptr.init) !== 'encodeRes.ptr' || text(len.init) !== 'encodeRes.len')
            throw new Error('jco encodes texts in a new way: adapt build/sync-glue.mjs.');
          edits.push({
            start: node.start,
            end: len.end,
            text: `var { ptr: ${text(ptr.id)}, len: ${text(len.id)} } = ${text(init)}`,
          });
          return false;
        }
        // Instantiation is one pass of a generator that never yields.
        if (node.declarations[0].id.name === 'maybeSyncReturn') return replace(init, 'gen.next().value');
        if (node.declarations[0].id.name === 'promise') return replace(node, '');
        if (init?.type === 'CallExpression' && /^(createNewCurrentTask|task\.enterSync)$/.test(text(init.callee)))
          return replace(node, '');
        return true;
      }
      case 'LabeledStatement':
        return node.label.name === 'taskCreation' ? replace(node, '') : true;
      case 'IfStatement':
        // if (!rsc0) { rsc0 = Object.create(…); … }: a resource that another component implements
        if (/^!rsc\d+$/.test(text(node.test))) return replace(node, '');
        return text(node.test) === '0!== null' ? replace(node, '') : true;
      case 'ForOfStatement':
        // for (const rsc of curResourceBorrows) { … }: what was made of such resources
        return text(node.right) === 'curResourceBorrows' ? replace(node, '') : true;
      case 'ReturnStatement':
        if (node.argument !== null && text(node.argument) === 'promise || maybeSyncReturn')
          return replace(node, 'return maybeSyncReturn;');
        // return _withGlobalCurrentTaskMeta({ …, fn: () => { … } });
        if (callee(node.argument) === '_withGlobalCurrentTaskMeta') {
          const body = callback(node.argument).body;
          return body.type === 'BlockStatement' ? replace(node, text(body)) : true;
        }
        return true;
      case 'TryStatement':
        // try { fAsync = WebAssembly.promising(f) } catch { fAsync = f }: nobody calls fAsync
        if (text(node.block).includes('WebAssembly.promising(')) return replace(node, '');
        // try { … } catch (err) { if (!task.isResolvedState()) … throw err; }
        if (node.handler !== null && text(node.handler.body).includes('task.isResolvedState()'))
          return replace(node, text(node.block));
        return true;
      case 'ConditionalExpression':
        // new.target === Task ? this : Object.create(Task.prototype): no resource has a constructor
        if (text(node.test).startsWith('new.target')) return replace(node, text(node.alternate));
        // X.manuallyAsync ? new WebAssembly.Suspending(…) : _lowerImportBackwardsCompat.bind(null, { …, importFn: X })
        if (node.test.type === 'MemberExpression' && node.test.property.name === 'manuallyAsync') {
          const bound = node.alternate;
          const importFn =
            text(bound.callee) === '_lowerImportBackwardsCompat.bind'
              ? bound.arguments[1].properties.find((p) => p.key.name === 'importFn')?.value
              : undefined;
          if (importFn?.type !== 'Identifier')
            throw new Error('jco lowers imports in a new way: adapt build/sync-glue.mjs.');
          return replace(node, importFn.name);
        }
        return true;
      case 'CallExpression':
        // ret = _withGlobalCurrentTaskMeta({ …, fn: () => f(x) }); _trackHostOperation(() => f(x))
        if (callee(node) === '_withGlobalCurrentTaskMeta' || callee(node) === '_trackHostOperation') {
          const { body } = callback(node);
          return body.type === 'BlockStatement' ? true : replace(node, `(${text(body)})`);
        }
        // TEXT_DECODER_UTF8.decode(new Uint8Array(memory0.buffer, ptr0, len0))
        if (text(node.callee) === 'TEXT_DECODER_UTF8.decode' && node.arguments[0].type === 'NewExpression') {
          const [buffer, ptr, len] = node.arguments[0].arguments;
          return replace(node, `decodeText(${text(buffer.object)}, ${text(ptr)}, ${text(len)})`);
        }
        // Object.assign(f, { _jcoMaySuspend: false }) and _guardMayLeave(0, f)
        if (text(node.callee) === 'Object.assign' && text(node.arguments[1]).includes('_jcoMaySuspend'))
          return replace(node, text(node.arguments[0]));
        // Object.defineProperty(rsc, symbolRscHandle, { writable: true, value: handle }): an assignment takes
        // a tenth of the time, and nobody lists the properties
        if (
          text(node.callee) === 'Object.defineProperty' &&
          /^symbol(RscHandle|Dispose)$/.test(text(node.arguments[1]))
        ) {
          const [resource, name, { properties }] = node.arguments;
          const value = properties.find((p) => p.key.name === 'value').value;
          edits.push({ start: node.start, end: value.start, text: `${text(resource)}[${text(name)}] = ` });
          edits.push({ start: value.end, end: node.end, text: '' });
          return false;
        }
        if (callee(node) === '_guardMayLeave') return replace(node, text(node.arguments[1]));
        return true;
      default:
        return true;
    }
  });
  return edits;
}

/** The arrow function that a call of jco's runtime is given, alone or as `fn`. */
function callback(call) {
  const [argument] = call.arguments;
  const fn =
    argument.type === 'ObjectExpression' ? argument.properties.find((p) => p.key.name === 'fn').value : argument;
  if (fn.type !== 'ArrowFunctionExpression' || fn.params.length > 0)
    throw new Error('jco calls the component in a new way: adapt build/sync-glue.mjs.');
  return fn;
}

/**
 * Declarations below module level that nothing else names, and whose value has no effect. Names
 * are compared without regard to scope, which keeps too much rather than too little.
 */
function deadDeclarations(tree) {
  const groups = new Map();
  for (const found of declarations(tree)) groups.set(found.name, [...(groups.get(found.name) ?? []), found]);
  const uses = new Map();
  walk(tree, (node) => {
    if (node.type === 'Identifier') uses.set(node.name, [...(uses.get(node.name) ?? []), node.start]);
    return true;
  });
  const dead = [];
  for (const [name, group] of groups) {
    const inside = (at) => group.some(({ node }) => at >= node.start && at < node.end);
    if (group.every(({ pure }) => pure) && uses.get(name).every(inside)) dead.push(...group);
  }
  return dead.map(({ node }) => ({ start: node.start, end: node.end, text: '' }));
}

/** Functions, classes and single variables declared inside `instantiate` and its generator. */
function declarations(tree) {
  const found = [];
  walk(tree, (node, parents) => {
    if (!parents.some((p) => p.type.includes('Function'))) return true;
    if (node.type === 'FunctionDeclaration' || node.type === 'ClassDeclaration') {
      found.push({ name: node.id.name, node, pure: true });
    } else if (
      node.type === 'VariableDeclaration' &&
      node.declarations.length === 1 &&
      node.declarations[0].id.type === 'Identifier' &&
      !/^For/.test(parents.at(-1).type)
    ) {
      const { id, init } = node.declarations[0];
      found.push({ name: id.name, node, pure: isPure(init) });
    }
    return true;
  });
  return found;
}

function isPure(node) {
  if (node === null) return true;
  switch (node.type) {
    case 'Literal':
    case 'Identifier':
    case 'FunctionExpression':
    case 'ArrowFunctionExpression':
      return true;
    case 'ArrayExpression':
      return node.elements.every(isPure);
    case 'ObjectExpression':
      return node.properties.every((p) => p.type === 'Property' && !p.computed && isPure(p.value));
    case 'ConditionalExpression':
      return isPure(node.test) && isPure(node.consequent) && isPure(node.alternate);
    case 'BinaryExpression':
      return isPure(node.left) && isPure(node.right);
    case 'LogicalExpression':
      return isPure(node.left) && isPure(node.right);
    case 'MemberExpression':
      return isPure(node.object) && (!node.computed || isPure(node.property));
    case 'NewExpression':
      return (
        [
          'Map',
          'Set',
          'WeakMap',
          'DataView',
          'ArrayBuffer',
          'TextDecoder',
          'TextEncoder',
          'Uint8Array',
          'Uint16Array',
        ].includes(node.callee.name) ||
        (node.callee.type === 'MemberExpression' && node.callee.property.name === 'Global')
      );
    case 'CallExpression':
      return (
        node.callee.name === 'Symbol' ||
        (node.callee.type === 'MemberExpression' && node.callee.object.name === 'Symbol')
      );
    default:
      return false;
  }
}

const callee = (node) =>
  node?.type === 'CallExpression' && node.callee.type === 'Identifier' ? node.callee.name : undefined;
