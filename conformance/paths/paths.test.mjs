// Compares the gate with real servers: if a server serves the admin page for a path, the gate must
// have required a token, or refused the path.
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { test } from 'node:test';
import { frameworks } from './frameworks.mjs';
import { ADMIN, PUBLIC } from './markers.mjs';
import { send, sendAll } from './raw-request.mjs';
import { apache, axum, nginx, tomcat, workerd } from './servers.mjs';
import { targets } from './targets.mjs';

const workspace = path.resolve(import.meta.dirname, '../..');
const examples = path.join(process.env.CARGO_TARGET_DIR ?? path.join(workspace, 'target'), 'debug/examples');
const all = targets();
const decisions = execFileSync(path.join(examples, 'gate_decisions'), { input: `${all.join('\n')}\n` })
  .toString()
  .trim()
  .split('\n');

test('the gate allows normal paths', () => {
  assert.equal(decisions.length, all.length);
  const honest = [
    '/pub',
    '/pub/',
    '/pub/file%20name',
    '/pub/users/foo%2Fbar',
    '/pub/x;v=1',
    '/pub/a/../b',
    '/pub/caf%C3%A9',
    '/pub/.well-known/x',
  ];
  const lines = execFileSync(path.join(examples, 'gate_decisions'), { input: `${honest.join('\n')}\n` })
    .toString()
    .trim()
    .split('\n');
  assert.deepEqual(
    lines,
    honest.map(() => 'open'),
  );
});

test('no server serves the admin page where the gate is open', async (t) => {
  const root = mkdtempSync(path.join(tmpdir(), 'tollgate-paths-'));
  // For Apache's own user.
  chmodSync(root, 0o755);
  t.after(() => rmSync(root, { recursive: true, force: true }));
  const folder = (name) => {
    mkdirSync(path.join(root, name));
    return path.join(root, name);
  };
  const java = await tomcat(t, folder('tomcat'));
  const behind = java['Tomcat, everything allowed'];
  const servers = {
    ...java,
    ...(await nginx(t, folder('nginx'), behind)),
    ...(await apache(t, folder('apache'), behind)),
    ...(await workerd(t, folder('workerd'), workspace)),
    ...(await axum(t, path.join(examples, 'axum_paths'))),
    ...(await frameworks(t)),
  };
  for (const [name, port] of Object.entries(servers)) {
    await t.test(name, async () => {
      // The server is what it should be.
      assert.ok((await send(port, '/admin/x')).includes(ADMIN));
      assert.ok((await send(port, '/pub/x')).includes(PUBLIC));
      const responses = await sendAll(port, all);
      const served = all.map((_, index) => responses[index].includes(ADMIN));
      const wrong = all.filter((_, index) => served[index] && decisions[index] === 'open');
      const odd = all.filter((target, index) => served[index] && !target.startsWith('/admin'));
      console.log(`# ${name}: ${odd.length} odd paths lead to the admin place`);
      assert.deepEqual(wrong, [], 'the gate is open for these');
    });
  }
});
