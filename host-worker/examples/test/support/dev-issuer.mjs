// The development issuer of the `tollgate` program, and its upstream API.
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import path from 'node:path';
import { createInterface } from 'node:readline';

const built = path.resolve(import.meta.dirname, '../../../../target/debug/tollgate');

/** The program: `TOLLGATE_BIN`, else where `cargo build -p tollgate-cli` leaves it; undefined without one. */
export const program = process.env.TOLLGATE_BIN ?? (existsSync(built) ? built : undefined);

/** Why tests that need it are skipped, or false. */
export const missing = program === undefined && 'needs the `tollgate` program: cargo build -p tollgate-cli';

async function start(...words) {
  const child = spawn(program, [...words, '--port', '0', '--until-stdin-closes'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  });
  const [line] = await once(createInterface({ input: child.stdout }), 'line');
  const ready = JSON.parse(line);
  const url = ready.issuer ?? ready.url;
  return {
    url,
    /** An admin command, or without a body what can be asked for. */
    async admin(command, body) {
      const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) };
      const response = await fetch(`${url}/admin/${command}`, body === undefined ? {} : post);
      assert.equal(response.status, 200, `${command} is answered ${response.status}`);
      return response.json();
    },
    async stop() {
      child.stdin.end();
      await once(child, 'exit');
    },
  };
}

export async function startDevIssuer() {
  const issuer = await start('dev-issuer');
  return {
    ...issuer,
    /** A user's token, as a login by an agent would give it. */
    async token(parameters) {
      const body = new URLSearchParams({ grant_type: 'client_credentials', ...parameters });
      const authorization = `Basic ${btoa('demo:demo-secret')}`;
      const response = await fetch(`${issuer.url}/token`, { method: 'POST', headers: { authorization }, body });
      assert.equal(response.status, 200, await response.clone().text());
      return (await response.json()).access_token;
    },
  };
}

/** @param {string} issuer whose tokens it takes */
export async function startDevUpstream(issuer) {
  return start('dev-upstream', '--issuer', issuer);
}
