import assert from 'node:assert/strict';
import { test } from 'node:test';
import { outline } from '../build/outline.mjs';

const home = (tree) => tree.body[0].declaration.declarations[0].init;

/** Outlines the body of a function, and runs it before and after. */
async function outlined(body, ...given) {
  const source = `export const make = function () {\n${body}\n};`;
  const after = outline(source, home);
  const answer = async (text) => {
    const { make } = await import(`data:text/javascript,${encodeURIComponent(text)}`);
    return make().map((fn) => fn.apply({ tag: 'mine' }, given));
  };
  assert.deepEqual(await answer(after), await answer(source), after);
  return { shared: after.match(/function shared\d+/g)?.length ?? 0, after };
}

/** Long enough that two of it are worth a function. */
const SENTENCE = JSON.stringify('so long that it is worth a function. '.repeat(12));
const LONG = `throw new TypeError(ret + ${SENTENCE});`;

test('statements that differ in their own names and in their place in memory become one function', async () => {
  const { shared, after } = await outlined(
    `
    const memory = [1, 2, 3, 4, 5, 6, 7, 8];
    const read = (at) => memory[at];
    return [
      function (ret) { var first = read(ret + 1); if (first < 0) throw new TypeError(${SENTENCE}); var sum1 = first + read(ret + 2); return sum1; },
      function (ret) { var other = read(ret + 4); if (other < 0) throw new TypeError(${SENTENCE}); var sum2 = other + read(ret + 5); return sum2 * 2; },
    ];`,
    0,
  );
  assert.equal(shared, 1);
  assert.match(after, /shared0\(ret \+ 1\)[\s\S]*shared0\(ret \+ 4\)/);
});

for (const [what, statements] of Object.entries({
  'what returns': `if (ret === 1) { return 7; } if (ret > 9) { ${LONG} }`,
  'what says this': `const { tag } = this; if (tag === 1) { ${LONG} } count = tag;`,
  'what leaves a loop outside of it': `for (;;) { if (ret > 5) return 1; if (ret > 0) break; ${LONG} }`,
  'what goes on with a loop outside of it': `for (let i = 0; i < 2; i++) { count += 1; if (ret > 0) continue; ${LONG} }`,
  'what writes to a variable outside of it': `count = count + ret; if (count > 9) { ${LONG} }`,
  'what counts in a variable outside of it': `count++; if (count > 9) { ${LONG} }`,
  'what takes apart into a variable outside of it': `[count] = [ret]; if (count > 9) { ${LONG} }`,
  'what keeps a variable for later that is written to again': `const later = function () { if (count > 9) { ${LONG} } return count; }; count = ret; keep = later;`,
  'what keeps the value of the last time round': `for (let i = 0; i < 2; i++) { count += 1; var last; if (i === 0) { last = ret; } else if (last > 9) { ${LONG} } keep = () => last; }`,
  'what a template says over two lines': `if (ret > 9) { ${LONG} } keep = () => \`a\n  b\`;`,
})) {
  test(`${what} does the same as before`, async () => {
    const fn = `function (ret) { let count = 0; let keep = () => 0; ${statements} return [count, keep()]; }`;
    await outlined(`return [${fn}, ${fn}];`, 1);
  });
}

test('a result goes back, two results stay', async () => {
  const two = (a, b) =>
    `function (ret) { let ${a} = ret * 2; if (${a} > 90) { ${LONG} } let ${b} = ${a} + 1; return [${a}, ${b}]; }`;
  await outlined(`return [${two('a', 'b')}, ${two('x', 'y')}];`, 3);
  const shadows = (e) =>
    `function (ret) { const e = ret; let ${e} = 0; for (const e of [ret, ret + 1]) { if (e > 90) { ${LONG} } ${e} += e; } return [e, ${e}]; }`;
  const { shared } = await outlined(`return [${shadows('a')}, ${shadows('b')}];`, 3);
  assert.equal(shared, 1);
});

test('members and shorthands keep their names', async () => {
  const fn = (x) =>
    `function (ret) { const { value: ${x} } = { value: ret }; if (${x} > 90) { ${LONG} } const made = { ${x}, value: ${x}.value, x: 1 }; return Object.keys(made); }`;
  await outlined(`return [${fn('x1')}, ${fn('x1')}];`, 3);
});

test('texts are joined as before', async () => {
  const fn = (n) =>
    `function (ret, text) { const joined = [text + ${n}, text + 2]; if (ret > 90) { ${LONG} } return joined; }`;
  const { shared } = await outlined(`return [${fn(5)}, ${fn(5)}];`, 3, 'a');
  assert.equal(shared, 1);
});

test('a variable that is declared twice stays', async () => {
  const fn = `function (ret) { var a = ret; if (ret > 90) return 1; var b = a; if (ret > 91) return 2; var a = 5; if (a > 90) { ${LONG} } return [a, b]; }`;
  await outlined(`return [${fn}, ${fn}];`, 3);
});

test('names of its own in the source stop it', () => {
  assert.throws(() => outline('export const make = function () { const shared0 = 1; };', home), /jco uses names/);
});
