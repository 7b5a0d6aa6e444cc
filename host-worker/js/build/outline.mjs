// Makes one function of what jco's glue says many times.
//
// jco lowers and lifts each value in line: a text, a list of texts and an optional text are written
// out wherever WIT has one, and what a function answers is written out in each function that
// answers it. An isolate reads all of that before its first request. So statements that are the
// same, but for the names of their own variables, the variables that they are given and the place
// in memory that they begin at, become one function each, until nothing more is saved.
//
// This knows nothing of WIT and little of jco, only scopes: what assigns to a variable of its
// surroundings, leaves them by `return` or `break`, or says `this`, stays where it is.
import { parse } from 'acorn';
import { edited, walk } from './syntax-tree.mjs';

/** No value that jco lowers or lifts takes a longer run of statements. */
const LONGEST = 6;
/** Where something is in memory: what a number is added to is part of the place, not of the work. */
const PLACE = /^(ret|base|arg\d+|ptr\d+|given\d+)$/;
/** Characters, before minifying, below which another function is not worth its place. */
const LEAST_SAVING = 150;

/**
 * @param {string} source a module
 * @param {(tree: object) => object} home finds the function whose body is outlined: the new
 *   functions see what that body declares
 * @returns {string} the same module, shorter
 */
export function outline(source, home) {
  if (/\b(shared|given|own)\d/.test(source))
    throw new Error('jco uses names that build/outline.mjs gives: choose others there.');
  for (let made = 0; ; ) {
    const { body } = home(parse(source, { ecmaVersion: 'latest', sourceType: 'module' }));
    const chosen = [];
    for (const runs of repeated(source, body)) {
      const taken = chosen.some((others) =>
        others.some((other) => runs.some((run) => run.start < other.end && other.start < run.end)),
      );
      if (!taken) chosen.push(runs);
    }
    if (chosen.length === 0) return source;
    source = replace(source, body, chosen, made);
    made += chosen.length;
  }
}

/** Groups of runs of statements that do the same, each worth a function; the best comes first. */
function repeated(source, body) {
  const scopes = new Scopes(body);
  const groups = new Map();
  for (const list of statementLists(body)) {
    const stays = list.map(stayingPut);
    for (let from = 0; from < list.length; from++) {
      for (let to = from; to < list.length && to < from + LONGEST && !stays[to]; to++) {
        const run = describe(source, scopes, list[from].start, list[to].end);
        if (run === 'never') break;
        if (run === 'not yet') continue;
        const group = groups.get(run.key);
        if (group === undefined) groups.set(run.key, [run]);
        else if (group.every((other) => run.start >= other.end || run.end <= other.start)) group.push(run);
      }
    }
  }
  return [...groups.values()].filter((runs) => saved(runs) >= LEAST_SAVING).sort((a, b) => saved(b) - saved(a));
}

/** Characters, about: a call has a name, a variable for its result, and what it is given. */
const saved = (runs) =>
  (runs.length - 1) * (runs[0].end - runs[0].start) - runs.length * (30 + runs[0].given.length * 12) - 40;

/**
 * What the statements between two places do, in words that do not depend on where they stand.
 * `'never'` where no run that begins with them can move, `'not yet'` where a longer one may.
 */
function describe(source, scopes, start, end) {
  const inside = (node) => node.start >= start && node.end <= end;
  const given = [];
  const own = new Map();
  const edits = [];
  for (const name of scopes.names(start, end)) {
    const { declaration } = name;
    if (declaration === undefined || declaration.everywhere) continue;
    if (declaration.twice) return 'never';
    if (inside(declaration.node)) {
      if (!own.has(declaration)) own.set(declaration, `own${own.size}`);
      edits.push({ name, text: own.get(declaration) });
      continue;
    }
    // A copy is as good as the variable only where nobody writes to it from now on.
    if (name.writes || (name.deferred && declaration.written)) return 'never';
    let parameter = given.find((other) => other.declaration === declaration);
    if (parameter === undefined) {
      parameter = { declaration, text: `given${given.length}`, offsets: [] };
      given.push(parameter);
    }
    parameter.offsets.push(name.offset?.right.value);
    edits.push({ name, parameter });
  }
  const results = [...own.keys()].filter(({ uses }) => !uses.every(inside));
  if (results.length > 1) return 'not yet';
  // Places in memory count from the first one.
  for (const parameter of given)
    parameter.base = parameter.offsets.includes(undefined) ? undefined : Math.min(...parameter.offsets);

  let text = '';
  let at = start;
  for (const {
    name: { node, offset, shorthand },
    parameter,
    text: renamed,
  } of edits) {
    text += source.slice(at, node.start) + (shorthand ? `${node.name}: ` : '');
    const shifted = parameter !== undefined && parameter.base !== undefined;
    text += shifted ? `${parameter.text} + ${offset.right.value - parameter.base}` : (parameter?.text ?? renamed);
    at = shifted ? offset.end : node.end;
  }
  text = (text + source.slice(at, end)).replace(/\n\s*/g, '\n');
  const [result] = results;
  const back = result === undefined ? '' : `return ${own.get(result)};`;
  return { key: `${given.length} ${text}${back}`, text: `${text}\n${back}`, start, end, given, result };
}

/** Puts the functions at the end of `body`, and calls in place of the runs. */
function replace(source, body, groups, made) {
  const edits = [];
  let functions = '';
  groups.forEach((runs, i) => {
    const name = `shared${made + i}`;
    functions += `function ${name}(${runs[0].given.map(({ text }) => text).join(', ')}) {\n${runs[0].text}\n}\n`;
    for (const { start, end, given, result } of runs) {
      const values = given.map(({ declaration, base }) =>
        base ? `${declaration.node.name} + ${base}` : declaration.node.name,
      );
      const kept = result === undefined ? '' : `${result.kind === 'var' ? 'var' : 'let'} ${result.node.name} = `;
      edits.push({ start, end, text: `${kept}${name}(${values.join(', ')});` });
    }
  });
  edits.push({ start: body.end - 1, end: body.end - 1, text: `\n${functions}` });
  return edited(source, edits);
}

/** Whether a statement cannot stand in a function of its own. */
function stayingPut(statement) {
  let stays = /^(Function|Class)Declaration$/.test(statement.type);
  walk(statement, (node, parents) => {
    const within = (types) => parents.some(({ type }) => types.test(type));
    switch (node.type) {
      case 'ReturnStatement':
      case 'YieldExpression':
      case 'AwaitExpression':
      case 'ThisExpression':
      case 'MetaProperty':
      case 'Super':
        stays ||= !within(/^Function/);
        break;
      case 'BreakStatement':
        stays ||= node.label !== null || !within(/^(For|While|DoWhile|Switch)/);
        break;
      case 'ContinueStatement':
        stays ||= node.label !== null || !within(/^(For|While|DoWhile)/);
        break;
      case 'VariableDeclaration':
        // It would keep the value of the last time round.
        stays ||=
          node.kind === 'var' &&
          node.declarations.some(({ init }) => init === null) &&
          !/^For/.test(parents.at(-1)?.type);
        break;
      case 'TemplateElement':
        // Lines are trimmed.
        stays ||= node.value.raw.includes('\n');
        break;
      default:
    }
  });
  return stays;
}

/** Every list of statements in a function below `body`. */
function statementLists(body) {
  const lists = [];
  walk(body, (node, parents) => {
    if (!parents.some(({ type }) => /Function/.test(type))) return;
    if (node.type === 'BlockStatement') lists.push(node.body);
    if (node.type === 'SwitchCase') lists.push(node.consequent);
  });
  return lists;
}

/** Which declaration each name below a node belongs to. */
class Scopes {
  #names = [];

  constructor(root) {
    const scopes = new Map([[root, new Map()]]);
    const scope = (node) => scopes.get(node) ?? scopes.set(node, new Map()).get(node);
    const declare = (where, pattern, kind) => {
      for (const node of namesIn(pattern)) {
        const known = scope(where).get(node.name);
        if (known === undefined) scope(where).set(node.name, { node, kind, everywhere: where === root, uses: [] });
        else known.twice = true;
      }
    };
    walk(root, (node, parents) => {
      const nearest = (types) => parents.findLast(({ type }) => types.test(type)) ?? root;
      if (node.type === 'VariableDeclaration') {
        const where = nearest(
          node.kind === 'var' ? /Function/ : /Function|BlockStatement|^For|SwitchStatement|StaticBlock/,
        );
        for (const { id } of node.declarations) declare(where, id, node.kind);
      } else if (/^(Function|Class)Declaration$/.test(node.type)) {
        declare(nearest(/Function|BlockStatement|SwitchStatement|StaticBlock/), node.id, 'function');
      }
      if (/Function/.test(node.type)) for (const parameter of node.params) declare(node, parameter, 'parameter');
      if (node.type === 'CatchClause') declare(node, node.param, 'parameter');
    });
    walk(root, (node, parents) => {
      const parent = parents.at(-1);
      if (node.type !== 'Identifier' || isKey(node, parent)) return;
      const owner = parents.findLast((at) => scopes.get(at)?.has(node.name));
      const declaration = scopes.get(owner)?.get(node.name);
      if (declaration === undefined) return;
      declaration.uses.push(node);
      const target = parents.findLast(({ type }) => !/Pattern$|^Property$|^RestElement$/.test(type));
      const writes =
        parent.type === 'UpdateExpression' ||
        (/^(AssignmentExpression|For(In|Of)Statement)$/.test(target.type) && node.end <= target.left.end);
      declaration.written ||= writes;
      this.#names.push({
        node,
        declaration,
        writes,
        // Run later, when the variable may hold something else.
        deferred: parents.slice(parents.indexOf(owner) + 1).some(({ type }) => /Function/.test(type)),
        // `{ name }` is `{ name: name }`.
        shorthand: [parent, parents.at(-2)].some(
          (at) => at?.type === 'Property' && at.shorthand && at.start === node.start,
        ),
        offset:
          PLACE.test(node.name) &&
          parent.type === 'BinaryExpression' &&
          parent.operator === '+' &&
          parent.left === node &&
          typeof parent.right.value === 'number'
            ? parent
            : undefined,
      });
    });
    this.#names.sort((a, b) => a.node.start - b.node.start);
  }

  /** The names between two places, in order. */
  names(start, end) {
    const first = this.#from(start);
    return this.#names.slice(first, this.#from(end));
  }

  #from(place) {
    let [low, high] = [0, this.#names.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if (this.#names[middle].node.start < place) low = middle + 1;
      else high = middle;
    }
    return low;
  }
}

/** Whether an identifier names a member or a label, not a variable. */
function isKey(node, parent) {
  switch (parent.type) {
    case 'MemberExpression':
      return parent.property === node && !parent.computed;
    case 'Property':
    case 'MethodDefinition':
    case 'PropertyDefinition':
      return parent.key === node && !parent.computed;
    case 'LabeledStatement':
    case 'BreakStatement':
    case 'ContinueStatement':
      return true;
    default:
      return false;
  }
}

/** The identifiers that a pattern declares. */
function namesIn(pattern) {
  switch (pattern?.type) {
    case 'Identifier':
      return [pattern];
    case 'ObjectPattern':
      return pattern.properties.flatMap((property) => namesIn(property.value ?? property.argument));
    case 'ArrayPattern':
      return pattern.elements.flatMap(namesIn);
    case 'AssignmentPattern':
      return namesIn(pattern.left);
    case 'RestElement':
      return namesIn(pattern.argument);
    default:
      return [];
  }
}
