// The MCP server example: scopes per tool, sessions, and one Durable Object per user.
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { ClientCredentialsProvider, InsufficientScopeError } from '@modelcontextprotocol/client';
import { startIssuer } from '../../js/test/support/issuer.mjs';
import { challengeOf } from './support/challenge.mjs';
import { missing, startDevIssuer } from './support/dev-issuer.mjs';
import { freePort } from './support/free-port.mjs';
import { connect, messagesOf, post, toolCall } from './support/mcp.mjs';
import { tampered } from './support/tampered.mjs';
import { build, start } from './support/worker.mjs';

const ORIGIN = 'https://mcp.example.com';
const MCP = `${ORIGIN}/mcp`;
const METADATA = `${ORIGIN}/.well-known/oauth-protected-resource/mcp`;
const APP = 'https://app.example.com';

describe('the MCP server', () => {
  let built;
  let issuer;
  let storage;
  let worker;
  const vars = () => ({
    TOLLGATE_ISSUER: issuer.url,
    TOLLGATE_RESOURCE: ORIGIN,
    TOLLGATE_AUDIENCE: MCP,
    ALLOWED_ORIGINS: APP,
  });
  const token = (sub, scope = 'mcp:read mcp:write', claims = {}) => issuer.mint({ sub, scope, aud: MCP, ...claims });
  const url = () => new URL('/mcp', worker.url);

  before(async () => {
    built = await build('mcp-server', 'production');
    issuer = await startIssuer();
    storage = await mkdtemp(path.join(tmpdir(), 'tollgate-storage-'));
    worker = await start(built, vars(), { storage });
  });
  after(async () => {
    await worker?.stop();
    await issuer?.close();
    await built?.remove();
    if (storage) await rm(storage, { recursive: true, force: true });
  });

  describe('at the door', () => {
    it('answers 401 without a token and names the metadata and the scope to begin with', async () => {
      const response = await post(worker, MCP, toolCall('whoami'));
      assert.equal(response.status, 401);
      assert.deepEqual(challengeOf(response), {
        scheme: 'Bearer',
        parameters: { resource_metadata: METADATA, scope: 'mcp:read' },
      });
    });

    it('publishes metadata for its path and names its issuer', async () => {
      const metadata = await (await worker.fetch(METADATA)).json();
      assert.equal(metadata.resource, MCP);
      assert.deepEqual(metadata.authorization_servers, [issuer.url]);
      assert.deepEqual(metadata.scopes_supported.toSorted(), ['mcp:read', 'mcp:write']);
    });

    it('answers 401 to tokens that are for another resource, changed or expired', async () => {
      const now = Math.floor(Date.now() / 1000);
      const cases = {
        'another resource': await token('ada', undefined, { aud: 'https://other.example.com/mcp' }),
        'the origin is not the resource': await token('ada', undefined, { aud: `${ORIGIN}/other` }),
        changed: tampered(await token('ada'), 1),
        expired: await token('ada', undefined, { iat: now - 1000, exp: now - 100 }),
      };
      for (const [name, bearer] of Object.entries(cases)) {
        const response = await post(worker, MCP, toolCall('whoami'), bearer);
        assert.equal(response.status, 401, name);
        assert.equal(challengeOf(response).parameters.error, 'invalid_token', name);
      }
    });

    it('does not read the body of whom it does not know', async () => {
      const response = await post(worker, MCP, 'x'.repeat(1_000_000));
      assert.equal(response.status, 401);
    });

    it('refuses pages of other origins, and lets its own app read answers', async () => {
      const bearer = await token('ada');
      const evil = await post(worker, MCP, toolCall('whoami'), bearer, { origin: 'https://evil.example.com' });
      assert.equal(evil.status, 403);
      const own = await post(worker, MCP, toolCall('whoami'), bearer, { origin: APP });
      assert.equal(own.status, 200);
      assert.equal(own.headers.get('access-control-allow-origin'), APP);
      await own.body.cancel();
    });
  });

  describe('scopes of tools', () => {
    it('refuses a call by HTTP before the tool runs, with all scopes that it needs', async () => {
      const reader = await token('reader', 'mcp:read');
      const response = await post(worker, MCP, toolCall('add_note', { text: 'no' }), reader);
      assert.equal(response.status, 403);
      const { parameters } = challengeOf(response);
      assert.equal(parameters.error, 'insufficient_scope');
      assert.equal(parameters.scope, 'mcp:read mcp:write');
      assert.equal(parameters.resource_metadata, METADATA);
      const notes = await (await connect(url(), { bearer: reader })).call('list_notes');
      assert.deepEqual(notes, { notes: [] });
    });

    it('refuses a batch as a whole when one of its calls is not covered', async () => {
      const reader = await token('batch', 'mcp:read');
      const batch = [toolCall('whoami', {}, 1), toolCall('add_note', { text: 'no' }, 2)];
      const refused = await post(worker, MCP, batch, reader);
      assert.equal(refused.status, 403);
      assert.equal(challengeOf(refused).parameters.scope, 'mcp:read mcp:write');
      const writer = await token('batch');
      const allowed = await post(worker, MCP, batch, writer);
      assert.equal(allowed.status, 200);
      assert.deepEqual((await messagesOf(allowed)).map(({ id }) => id).toSorted(), [1, 2]);
    });

    it('needs mcp:read for anything', async () => {
      const response = await post(
        worker,
        MCP,
        { jsonrpc: '2.0', id: 1, method: 'tools/list' },
        await token('ada', 'mcp:write'),
      );
      assert.equal(response.status, 403);
      assert.equal(challengeOf(response).parameters.scope, 'mcp:read');
    });

    it('is not confused by odd messages', async () => {
      const reader = await token('odd', 'mcp:read');
      const odd = [
        'null',
        '7',
        '[]',
        '[null,[]]',
        '{}',
        '{"method":"tools/call"}',
        '{"method":"tools/call","params":{"name":["add_note"]}}',
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"constructor"}}',
        '{',
        '\u{feff}',
      ];
      for (const body of odd) {
        const response = await post(worker, MCP, body, reader);
        assert.ok(
          response.status === 200 || response.status === 202 || response.status === 400,
          `${body} is answered ${response.status}`,
        );
        await response.body?.cancel();
      }
      // The last of two members of one name counts, for the scope check as for the tool.
      const twice =
        '{"jsonrpc":"2.0","id":1,"method":"tools/call","params":{"name":"whoami","name":"add_note","arguments":{"text":"no"}}}';
      assert.equal((await post(worker, MCP, twice, reader)).status, 403);
      const large = JSON.stringify(toolCall('add_note', { text: 'x'.repeat(300_000) }));
      assert.equal((await post(worker, MCP, large, await token('odd'))).status, 413);
    });
  });

  for (const revision of ['modern', 'legacy']) {
    describe(`with the official client, ${revision} protocol`, () => {
      it('lists and calls tools', async () => {
        const { client, call } = await connect(url(), { bearer: await token(`user-${revision}`), revision });
        const { tools } = await client.listTools();
        assert.deepEqual(tools.map(({ name }) => name).toSorted(), ['add_note', 'list_notes', 'whoami']);
        const me = await call('whoami');
        assert.equal(me.subject, `user-${revision}`);
        assert.equal(me.issuer, issuer.url);
        assert.equal(me.session === null, revision === 'modern');
        const { note } = await call('add_note', { text: `of ${revision}` });
        assert.deepEqual(await call('list_notes'), { notes: [note] });
        assert.equal(note.text, `of ${revision}`);
        await client.close();
      });

      it('tells the client which scopes to ask for', async () => {
        const { call } = await connect(url(), { bearer: await token('reader', 'mcp:read'), revision });
        await assert.rejects(call('add_note', { text: 'no' }), (error) => {
          assert.ok(error instanceof InsufficientScopeError, `${error}`);
          assert.equal(error.requiredScope, 'mcp:read mcp:write');
          return true;
        });
      });

      it('checks what a tool is given', async () => {
        const { client } = await connect(url(), { bearer: await token('inputs'), revision });
        for (const args of [{}, { text: '' }, { text: 7 }, { text: 'x'.repeat(2_001) }]) {
          const outcome = await client
            .callTool({ name: 'add_note', arguments: args })
            .catch((error) => ({ isError: true, error }));
          assert.equal(outcome.isError, true, JSON.stringify(args).slice(0, 40));
        }
        const { structuredContent } = await client.callTool({ name: 'list_notes', arguments: {} });
        assert.deepEqual(structuredContent, { notes: [] });
      });

      it('keeps two users apart, also when they call at once', async () => {
        const users = [`left-${revision}`, `right-${revision}`];
        const clients = await Promise.all(
          users.map(async (sub) => connect(url(), { bearer: await token(sub), revision })),
        );
        await Promise.all(
          clients.flatMap(({ call }, i) => [1, 2, 3].map((n) => call('add_note', { text: `${users[i]} ${n}` }))),
        );
        for (const [i, { call }] of clients.entries()) {
          const { notes } = await call('list_notes');
          assert.deepEqual(
            notes.map(({ text }) => text).toSorted(),
            [1, 2, 3].map((n) => `${users[i]} ${n}`),
          );
          assert.equal((await call('whoami')).subject, users[i]);
        }
      });
    });
  }

  it('leads the official client from 401 to a token and from 403 to a better one', { skip: missing }, async () => {
    const dev = await startDevIssuer();
    // Here the resource is the Worker's real address, for the client compares it with what it calls.
    const port = await freePort();
    const origin = `http://127.0.0.1:${port}`;
    const real = await start(
      built,
      { TOLLGATE_ISSUER: dev.url, TOLLGATE_RESOURCE: origin, TOLLGATE_AUDIENCE: `${origin}/mcp`, ALLOWED_ORIGINS: APP },
      { port },
    );
    try {
      const authProvider = new ClientCredentialsProvider({
        clientId: 'demo',
        clientSecret: 'demo-secret',
        expectedIssuer: dev.url,
      });
      const { client, call } = await connect(new URL(`${origin}/mcp`), { authProvider });
      assert.deepEqual((await call('whoami')).scopes, ['mcp:read']);
      await call('add_note', { text: 'stepped up' });
      assert.deepEqual((await call('whoami')).scopes.toSorted(), ['mcp:read', 'mcp:write']);
      await client.close();
    } finally {
      await real.stop();
      await dev.stop();
    }
  });

  describe('sessions before 2026-07-28', () => {
    const withSession = (sessionId) => ({ 'mcp-session-id': sessionId, 'mcp-protocol-version': '2025-11-25' });

    it('belong to the user who opened them', async () => {
      const { client, transport, call } = await connect(url(), { bearer: await token('owner'), revision: 'legacy' });
      assert.match(transport.sessionId, /^[0-9a-f-]{36}$/);
      assert.equal((await call('whoami')).session.client, 'test');
      const thief = await post(worker, MCP, toolCall('whoami'), await token('thief'), withSession(transport.sessionId));
      assert.equal(thief.status, 404);
      const removal = await worker.fetch(MCP, {
        method: 'DELETE',
        headers: { authorization: `Bearer ${await token('thief')}`, ...withSession(transport.sessionId) },
      });
      assert.equal(removal.status, 404);
      assert.equal((await call('whoami')).subject, 'owner');
      await client.close();
    });

    it('are separate for one subject at two issuers', async () => {
      const { ownerName } = await import('../mcp-server/src/owner.ts');
      const pairs = [
        ['https://a.example', 'x'],
        ['https://b.example', 'x'],
        ['https://a.example', 'x","y'],
        ['https://a.example","x', 'y'],
        ['https://a.example/x', ''],
        ['https://a.example', '/x'],
      ];
      assert.equal(new Set(pairs.map(([iss, sub]) => ownerName(iss, sub))).size, pairs.length);
    });

    it('are bounded per user: the one unused for longest goes', async () => {
      const bearer = await token('opener');
      const initialize = {
        jsonrpc: '2.0',
        id: 1,
        method: 'initialize',
        params: {
          protocolVersion: '2025-11-25',
          capabilities: {},
          clientInfo: { name: 'x'.repeat(1_000), version: '1' },
        },
      };
      const sessions = [];
      for (let n = 0; n < 33; n++) {
        const response = await post(worker, MCP, initialize, bearer);
        sessions.push(response.headers.get('mcp-session-id'));
        await response.body.cancel();
      }
      const status = async (id) => {
        const response = await post(worker, MCP, toolCall('whoami'), bearer, withSession(id));
        const [{ result }] = await messagesOf(response);
        assert.ok((result?.structuredContent.session.client.length ?? 0) <= 100);
        return response.status;
      };
      assert.equal(await status(sessions[0]), 404);
      assert.equal(await status(sessions[1]), 200);
      assert.equal(await status(sessions[32]), 200);
    });

    it('end when the client says so, and cannot be made up', async () => {
      const bearer = await token('leaver');
      const { transport } = await connect(url(), { bearer, revision: 'legacy' });
      const { sessionId } = transport;
      await transport.terminateSession();
      for (const id of [sessionId, crypto.randomUUID(), 'x', "' OR 1=1 --", 'x'.repeat(5_000)]) {
        const response = await post(worker, MCP, toolCall('whoami'), bearer, withSession(id));
        assert.equal(response.status, 404, id.slice(0, 40));
      }
    });
  });

  it('keeps notes and sessions over a restart of the Worker', async () => {
    const bearer = await token('keeper');
    const first = await connect(url(), { bearer, revision: 'legacy' });
    await first.call('add_note', { text: 'kept' });
    const before = (await first.call('whoami')).session;
    await worker.stop();
    worker = await start(built, vars(), { storage });

    const response = await post(worker, MCP, toolCall('whoami'), bearer, {
      'mcp-session-id': first.transport.sessionId,
    });
    assert.equal(response.status, 200);
    const [{ result }] = await messagesOf(response);
    assert.equal(result.structuredContent.session.startedAt, before.startedAt);
    assert.equal(result.structuredContent.session.requests, before.requests + 1);
    const { notes } = await (await connect(url(), { bearer })).call('list_notes');
    assert.deepEqual(
      notes.map(({ text }) => text),
      ['kept'],
    );
  });

  it('keeps a bounded number of notes, and says so to the model', async () => {
    const bearer = await token('collector');
    for (let n = 0; n < 5; n++) {
      const batch = Array.from({ length: 100 }, (_, i) => toolCall('add_note', { text: 'again' }, i));
      const messages = await messagesOf(await post(worker, MCP, batch, bearer));
      assert.ok(messages.every(({ result }) => result.structuredContent.note.text === 'again'));
    }
    const [{ result }] = await messagesOf(await post(worker, MCP, toolCall('add_note', { text: 'one more' }), bearer));
    assert.equal(result.isError, true);
    assert.match(result.content[0].text, /500 notes/);
    const { notes } = await (await connect(url(), { bearer })).call('list_notes');
    assert.equal(notes.length, 500);
  });

  it('answers the others when a client goes away in the middle', async () => {
    const cold = await start(built, vars());
    try {
      const release = issuer.hold();
      issuer.counts.discovery = 0;
      const headers = {
        'content-type': 'application/json',
        accept: 'application/json, text/event-stream',
        authorization: `Bearer ${await token('crowd')}`,
      };
      const ask = (signal) =>
        fetch(new URL('/mcp', cold.url), { method: 'POST', headers, body: JSON.stringify(toolCall('whoami')), signal });
      const leaving = new AbortController();
      const left = ask(leaving.signal).then(
        () => 'answered',
        ({ name }) => name,
      );
      while (issuer.counts.discovery === 0) await new Promise((done) => setTimeout(done, 5));
      const others = [0, 1].map(() => ask());
      leaving.abort();
      assert.equal(await left, 'AbortError');
      release();
      for (const other of others) {
        const [{ result }] = await messagesOf(await other);
        assert.equal(result.structuredContent.subject, 'crowd');
      }
    } finally {
      await cold.stop();
    }
  });

  it('has types that fit', async () => {
    const tsc = path.resolve(import.meta.dirname, '../../../node_modules/typescript/bin/tsc');
    await promisify(execFile)(process.execPath, [
      tsc,
      '--noEmit',
      '-p',
      path.resolve(import.meta.dirname, '../mcp-server'),
    ]);
  });

  it('has staging and production as Workers of their own', async () => {
    const staging = await build('mcp-server', 'staging');
    try {
      const run = await start(staging, {});
      try {
        const metadata = await (
          await run.fetch('https://mcp-staging.example.com/.well-known/oauth-protected-resource/mcp')
        ).json();
        assert.equal(metadata.resource, 'https://mcp-staging.example.com/mcp');
        assert.deepEqual(metadata.authorization_servers, ['https://auth-staging.example.com']);
      } finally {
        await run.stop();
      }
    } finally {
      await staging.remove();
    }
  });
});
