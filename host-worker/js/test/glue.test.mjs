// The cut-down glue: what text crosses the boundary must come out as it went in.
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { after, before, test } from 'node:test';
import { startIssuer } from './support/issuer.mjs';
import { load, packagePath } from './support/package.mjs';
import { listsAsViews } from '../build/list-views.mjs';
import { syncGlue } from '../build/sync-glue.mjs';

const {
  main: { createGate },
} = await load();
let issuer;
before(async () => {
  issuer = await startIssuer();
});
after(() => issuer.close());

test('text of every kind and length is converted', async () => {
  const gate = createGate({ issuers: [{ issuer: issuer.url, audiences: ['a'], keys: { inline: issuer.jwks } }] });
  for (const sample of ['a', 'é', '€', '𝄞', 'a\u0000b', '\ufeffbom', '\\"\n', 'a€'.repeat(40)]) {
    for (const length of [1, 21, 63, 64, 65, 200, 1000]) {
      const sub = Array.from(sample.repeat(length)).slice(0, length).join('');
      const { auth, reason } = await gate.verify(await issuer.mint({ aud: 'a', sub }));
      if (auth === undefined) {
        assert.notEqual(reason, 'server-error');
        continue;
      }
      assert.equal(auth.subject, sub);
      assert.equal(auth.claims.sub, sub);
    }
  }
});

test('texts in the same cache slot of the decoder are not confused', async () => {
  const gate = createGate({ issuers: [{ issuer: issuer.url, audiences: ['a'], keys: { inline: issuer.jwks } }] });
  const subjects = Array.from({ length: 400 }, (_, i) => `user-${String(i % 200).padStart(4, '0')}-${i % 7}x`);
  for (const sub of subjects) assert.equal((await gate.verify(await issuer.mint({ aud: 'a', sub }))).auth.subject, sub);
});

test('tokens that wait for one key are checked with their own bytes', async () => {
  // They make the memory grow, which takes the bytes away from all views of it.
  const claims = { aud: 'a', padding: 'x'.repeat(8000) };
  const tokens = await Promise.all(Array.from({ length: 300 }, (_, i) => issuer.mint({ ...claims, sub: `user-${i}` })));
  const forged = `${tokens[0].slice(0, tokens[0].lastIndexOf('.'))}.${tokens[1].split('.')[2]}`;
  const gate = createGate({ issuers: [{ issuer: issuer.url, audiences: ['a'], keys: { inline: issuer.jwks } }] });
  const [refused, ...answers] = await Promise.all([forged, ...tokens].map((token) => gate.verify(token)));
  assert.deepEqual([refused.ok, refused.reason], [false, 'token-bad-signature']);
  assert.deepEqual(
    answers.map(({ auth, reason }) => auth?.subject ?? reason),
    tokens.map((_, i) => `user-${i}`),
  );
});

test('identities of many tokens are not confused', async () => {
  const gate = createGate({ issuers: [{ issuer: issuer.url, audiences: ['a'], keys: { inline: issuer.jwks } }] });
  const tokens = await Promise.all(Array.from({ length: 1100 }, (_, i) => issuer.mint({ aud: 'a', sub: `user-${i}` })));
  const subjects = async (list) => {
    const answers = [];
    for (const token of list) answers.push((await gate.verify(token)).auth.subject);
    return answers;
  };
  const expected = tokens.map((_, i) => `user-${i}`);
  assert.deepEqual(await subjects(tokens), expected);
  assert.deepEqual(await subjects(tokens.toReversed()), expected.toReversed());
  assert.deepEqual(await subjects(tokens), expected);
});

test('the published glue contains nothing of the asynchronous runtime', async () => {
  const shims = ['shim.js', 'verifier-shim.js'].map((name) => readFile(path.join(packagePath, name), 'utf8'));
  const shim = (await Promise.all(shims)).join();
  for (const word of [
    'Suspending',
    'promising',
    'AsyncTask',
    'JCO_DEBUG',
    'eval(',
    'new Function',
    'WebAssembly.compile',
    'new WebAssembly.Module(',
    'node:',
    'process.',
  ]) {
    assert.ok(!shim.includes(word), word);
  }
});

test('a jco that generates other code stops the build', () => {
  assert.throws(() => listsAsViews('rsc0.verify(list)', 'verify'), /lists of bytes for `verify` in a new way/);
  assert.throws(() => syncGlue('export function instantiate() {}'), /does not declare .*adapt build\/sync-glue\.mjs/);
});
