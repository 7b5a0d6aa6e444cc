// The delegated examples: Workers that call an API as the user, in JavaScript (an MCP server) and in
// Rust (an HTTP API), with a client secret and with a private key.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { generateKeyPairSync } from 'node:crypto';
import path from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { missing, startDevIssuer, startDevUpstream } from './support/dev-issuer.mjs';
import { connect, messagesOf, post, toolCall } from './support/mcp.mjs';
import { claimsOf, startRecorder } from './support/recorder.mjs';
import { build, start } from './support/worker.mjs';

const ORIGIN = 'https://delegated.example.com';
const SCOPE = 'profile:read';
const only = process.env.TOLLGATE_EXAMPLES?.split(',');

/** Each example: what its tokens are for, and how to ask it. `profile` calls the upstream, `access` only exchanges. */
const EXAMPLES = {
  'delegated-js': {
    audience: `${ORIGIN}/mcp`,
    scope: 'mcp:tools',
    async ask(worker, what, bearer) {
      const tool = { profile: 'read_profile', access: 'check_access' }[what];
      const response = await post(worker, `${ORIGIN}/mcp`, toolCall(tool), bearer);
      assert.equal(response.status, 200);
      const [{ result }] = await messagesOf(response);
      return result.isError ? { refusal: result.content[0].text } : { value: result.structuredContent };
    },
  },
  'delegated-rust': {
    audience: ORIGIN,
    scope: 'profile',
    async ask(worker, what, bearer) {
      const response = await worker.fetch(`${ORIGIN}/${what}`, { headers: { authorization: `Bearer ${bearer}` } });
      const body = await response.json();
      return response.ok
        ? { value: body }
        : { refusal: `${body.error_description ?? body.error}.`, status: response.status };
    },
  },
};

const privateKey = generateKeyPairSync('ec', { namedCurve: 'P-256' }).privateKey.export({
  type: 'pkcs8',
  format: 'pem',
});

/** The Worker's authentication: its settings, and its registration at the issuer. */
const PROOFS = {
  'a client secret': {
    method: 'client_secret_basic',
    vars: { TOLLGATE_CLIENT_ID: 'worker', TOLLGATE_CLIENT_SECRET: 'of the worker %&+' },
    registration: () => ({ client_id: 'worker', secret: 'of the worker %&+' }),
  },
  'a private key': {
    method: 'private_key_jwt',
    vars: { TOLLGATE_CLIENT_ID: 'worker', TOLLGATE_PRIVATE_KEY: privateKey },
    registration: (worker) => ({ client_id: 'worker', jwks_uri: new URL('/.well-known/jwks.json', worker.url).href }),
  },
};

for (const [name, example] of Object.entries(EXAMPLES)) {
  describe(name, { skip: missing || (only && !only.includes(name)) }, () => {
    const { ask } = example;
    let built;
    let issuer;
    let upstream;
    const settings = (proof, upstreamUrl = upstream.url) => ({
      TOLLGATE_ISSUER: issuer.url,
      TOLLGATE_RESOURCE: ORIGIN,
      TOLLGATE_AUDIENCE: example.audience,
      UPSTREAM_URL: upstreamUrl,
      ...proof.vars,
    });
    const token = (subject) => issuer.token({ subject, resource: example.audience, scope: example.scope });
    const allow = (resource = upstream.url) =>
      issuer.admin('policies', { client: 'worker', resource, scopes: [SCOPE] });
    const forbid = () => issuer.admin('policies', { client: 'worker', resource: upstream.url, allow: false });

    before(async () => {
      built = await build(name);
      issuer = await startDevIssuer();
      upstream = await startDevUpstream(issuer.url);
    });
    after(async () => {
      await upstream?.stop();
      await issuer?.stop();
      await built?.remove();
    });

    for (const [how, proof] of Object.entries(PROOFS)) {
      describe(`with ${how}`, () => {
        let worker;
        before(async () => {
          worker = await start(built, settings(proof));
        });
        beforeEach(async () => {
          await issuer.admin('reset', {});
          await upstream.admin('reset', {});
          await issuer.admin('clients', proof.registration(worker));
        });
        after(() => worker?.stop());

        it('calls the API on behalf of the user, with itself as actor', async () => {
          await allow();
          const { value } = await ask(worker, 'profile', await token('alice'));
          assert.deepEqual(value, {
            subject: 'alice',
            client_id: 'worker',
            actors: ['worker'],
            scopes: [SCOPE],
            audience: [upstream.url],
          });
        });

        it('appears in the audit log with the user, the application and its authentication', async () => {
          await allow();
          await ask(worker, 'profile', await token('bob'));
          const events = await issuer.admin('audit');
          const { event, subject, client_id, client_authentication, actors, resources, scopes } = events.at(-1);
          assert.deepEqual(
            { event, subject, client_id, client_authentication, actors, resources, scopes },
            {
              event: 'credentials:issue',
              subject: 'bob',
              client_id: 'worker',
              client_authentication: proof.method,
              actors: ['worker'],
              resources: [upstream.url],
              scopes: [SCOPE],
            },
          );
        });

        it('makes one exchange per user and never mixes users, with many concurrent calls', async () => {
          await allow();
          const users = Array.from({ length: 8 }, (_, i) => `user-${i}`);
          const tokens = await Promise.all(users.map(token));
          const calls = users.flatMap((user, i) =>
            Array.from({ length: 5 }, async () => {
              const { value } = await ask(worker, 'profile', tokens[i]);
              assert.equal(value.subject, user);
            }),
          );
          await Promise.all(calls);
          assert.equal((await issuer.admin('stats')).token_exchange, users.length);
          assert.equal((await upstream.admin('stats')).accepted, calls.length);
        });

        it('returns the expiry of its token without a call', async () => {
          await allow();
          const { value } = await ask(worker, 'access', await token('carol'));
          assert.deepEqual(value.scopes, [SCOPE]);
          const left = (new Date(value.expiresAt) - Date.now()) / 1000;
          assert.ok(left > 500 && left <= 601, `${left} s are left`);
          assert.equal((await upstream.admin('stats')).accepted, 0);
        });

        it('gets a new token and repeats the call once after a 401', async () => {
          await allow();
          const bearer = await token('dave');
          await ask(worker, 'profile', bearer);
          const exchanges = async () => (await issuer.admin('stats')).token_exchange;
          const before = await exchanges();
          await upstream.admin('reject-next', { count: 1 });
          assert.equal((await ask(worker, 'profile', bearer)).value.subject, 'dave');
          assert.equal(await exchanges(), before + 1);
          await upstream.admin('reject-next', { count: 2 });
          assert.match((await ask(worker, 'profile', bearer)).refusal, /profile API answered with HTTP 401/);
        });

        it('reports that the issuer does not allow it, and makes no call', async () => {
          await forbid();
          const { refusal, status } = await ask(worker, 'profile', await token('erin'));
          assert.equal(refusal, 'You have not authorized this application to do that.');
          if (status !== undefined) assert.equal(status, 403);
          const events = await issuer.admin('audit');
          assert.equal(events.at(-1).event, 'credentials:refuse');
          assert.equal(events.at(-1).subject, 'erin');
          const { accepted, refused } = await upstream.admin('stats');
          assert.equal(accepted + refused, 0);
        });

        it('never shows its secrets', async () => {
          await allow();
          await ask(worker, 'profile', await token('frank'));
          const jwks = await worker.fetch(`${ORIGIN}/.well-known/jwks.json`);
          const text = await jwks.text();
          if (proof.method === 'private_key_jwt') {
            assert.equal(jwks.status, 200);
            const { keys } = JSON.parse(text);
            assert.equal(keys.length, 1);
            assert.ok(
              keys.every((key) => key.x && !('d' in key)),
              text,
            );
          } else {
            assert.equal(jwks.status, 401);
          }
          assert.doesNotMatch(worker.logs.join('\n'), /of the worker|PRIVATE KEY|eyJ/);
        });
      });
    }

    it("never sends the caller's own token to the API, nor anything else of the request", async () => {
      const recorder = await startRecorder();
      const proof = PROOFS['a client secret'];
      const worker = await start(built, settings(proof, recorder.url));
      try {
        await issuer.admin('reset', {});
        await issuer.admin('clients', proof.registration(worker));
        await allow(recorder.url);
        const bearer = await token('grace');
        const { value } = await ask(worker, 'profile', bearer);
        assert.equal(value.subject, 'grace');
        assert.equal(recorder.requests.length, 1);
        const [{ method, url, headers }] = recorder.requests;
        assert.equal(`${method} ${url}`, 'GET /me');
        const sent = headers.authorization.replace(/^Bearer /, '');
        assert.deepEqual([claimsOf(sent).aud].flat(), [recorder.url]);
        assert.ok(!JSON.stringify(headers).includes(bearer), "the caller's token was sent");
        assert.equal(headers['mcp-protocol-version'], undefined);
      } finally {
        await worker.stop();
        await recorder.stop();
      }
    });

    for (const [what, vars, said] of [
      ['has neither secret nor key', {}, /TOLLGATE_CLIENT_ID: the client has neither a secret nor a private key/],
      ['has a key that is none', { TOLLGATE_PRIVATE_KEY: 'no key' }, /TOLLGATE_PRIVATE_KEY|client\.keys/],
    ]) {
      it(`tells the operator what to change where it ${what}, and the caller that it is not their fault`, async () => {
        await issuer.admin('reset', {});
        const worker = await start(built, settings({ vars: { TOLLGATE_CLIENT_ID: 'worker', ...vars } }));
        try {
          const { refusal, status } = await ask(worker, 'profile', await token('heidi'));
          assert.match(refusal, /not configured correctly|server_error/);
          if (status !== undefined) assert.equal(status, 500);
          assert.match(worker.logs.join('\n'), said);
          const { status: metadata } = await worker.fetch(`${ORIGIN}/.well-known/oauth-protected-resource`);
          assert.equal(metadata, 200);
        } finally {
          await worker.stop();
        }
      });
    }

    it('reports an outage of the issuer, and recovers', async () => {
      await issuer.admin('reset', {});
      const proof = PROOFS['a client secret'];
      const worker = await start(built, settings(proof));
      try {
        await issuer.admin('clients', proof.registration(worker));
        await allow();
        const bearer = await token('ivan');
        await ask(worker, 'profile', await token('judy'));
        await issuer.admin('outage', { mode: 'down', endpoints: ['token'] });
        const { refusal, status } = await ask(worker, 'profile', bearer);
        assert.equal(refusal, 'An access token cannot be requested at the moment: try again later.');
        if (status !== undefined) assert.equal(status, 503);
        await issuer.admin('outage', { mode: 'off' });
        assert.equal((await ask(worker, 'profile', bearer)).value.subject, 'ivan');
      } finally {
        await issuer.admin('outage', { mode: 'off' });
        await worker.stop();
      }
    });

    if (name === 'delegated-js') {
      it('serves the official MCP client', async () => {
        await issuer.admin('reset', {});
        const proof = PROOFS['a client secret'];
        const worker = await start(built, settings(proof));
        try {
          await issuer.admin('clients', proof.registration(worker));
          await allow();
          for (const revision of ['modern', 'legacy']) {
            const { client, call } = await connect(new URL('/mcp', worker.url), {
              bearer: await token('kim'),
              revision,
            });
            assert.deepEqual((await client.listTools()).tools.map(({ name }) => name).toSorted(), [
              'check_access',
              'read_profile',
            ]);
            assert.equal((await call('read_profile')).subject, 'kim');
            await client.close();
          }
        } finally {
          await worker.stop();
        }
      });

      it('has types that fit', async () => {
        const tsc = path.resolve(import.meta.dirname, '../../../node_modules/typescript/bin/tsc');
        await promisify(execFile)(process.execPath, [
          tsc,
          '--noEmit',
          '-p',
          path.resolve(import.meta.dirname, '../delegated-js'),
        ]).catch((error) => assert.fail(error.stdout));
      });
    }
  });
}
