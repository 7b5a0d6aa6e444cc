// An MCP server on Workers: Tollgate in front, the MCP SDK behind it, one Durable Object per user.

import { createMcpHandler, isLegacyRequest } from '@modelcontextprotocol/server';
import { env as deployment } from 'cloudflare:workers';
import { createGate, type Identity } from 'tollgate';
import { readJson } from './json-body.ts';
import { spaceOf } from './owner.ts';
import { openSessionFor, resumeSession } from './sessions.ts';
import { ALL_SCOPES, BASE_SCOPES, notesServer, scopesNeeded } from './tools.ts';
import type { UserSpace } from './user-space.ts';

export { UserSpace } from './user-space.ts';

interface Env {
  USER_SPACE: DurableObjectNamespace<UserSpace>;
  ALLOWED_ORIGINS: string;
}

// Issuer, resource and audience come from the TOLLGATE_* variables of wrangler.jsonc.
const gate = createGate({
  routes: [{ path: '/mcp', scopes: BASE_SCOPES }],
  metadata: { scopesSupported: ALL_SCOPES, resourceName: 'Tollgate notes' },
  // MCP requires that a server checks Origin; see DNS rebinding in its transport chapter.
  cors: { origins: (deployment as unknown as Env).ALLOWED_ORIGINS.split(' ').filter(Boolean) },
});

async function mcp(request: Request, env: Env, auth: Identity): Promise<Response> {
  const body = request.method === 'POST' ? await readJson(request) : undefined;
  if (body?.kind === 'too-large') return rpcError(413, -32600, 'The request body is too large');
  if (body?.kind === 'not-json') return rpcError(400, -32700, 'The request body is not JSON');
  const message = body?.value;

  // Before any tool runs: for a missing scope, the client gets a 403 with a challenge, which names
  // the scopes to request. An error in a 200 would reach only the model.
  const refusal = auth.require(...scopesNeeded(message));
  if (refusal) return refusal;

  const space = spaceOf(env.USER_SPACE, auth);
  const legacy = await isLegacyRequest(request, message);
  const session = legacy ? await resumeSession(request, space) : { state: null };
  if ('response' in session) return session.response;

  const caller = {
    subject: auth.subject ?? '',
    issuer: auth.issuer,
    clientId: auth.clientId ?? null,
    scopes: [...auth.scopes],
    session: session.state,
  };
  // A handler per request: nothing of one caller outlives the request, and no request waits for a
  // promise of another, which would hang if the other's client disconnected.
  const handler = createMcpHandler(() => notesServer(caller, space));
  const response = await handler.fetch(request, body === undefined ? undefined : { parsedBody: message });
  return legacy ? openSessionFor(message, response, space) : response;
}

/** A refusal of a request that is not valid JSON-RPC, so there is no id. */
function rpcError(status: number, code: number, message: string): Response {
  return Response.json({ jsonrpc: '2.0', id: null, error: { code, message } }, { status });
}

export default gate.protect<Env>(async (request, env, _ctx, auth) => {
  // No route is public, so there is always an identity here. Only /mcp is served.
  if (auth === null || new URL(request.url).pathname !== '/mcp') {
    return new Response('Not found\n', { status: 404 });
  }
  return mcp(request, env, auth);
});
