// An MCP server on Workers whose tools call another API on behalf of the user. The agent's token is
// valid only here. It is exchanged for one that the other API accepts, which names the user and
// this Worker as actor.

import { createMcpHandler } from '@modelcontextprotocol/server';
import { createGate } from 'tollgate';
import { profileServer } from './tools.ts';

interface Env {
  /** Origin of the API that the tools call, which is also its resource identifier. */
  UPSTREAM_URL: string;
}

// Issuer, resource, audience and this Worker's client come from the TOLLGATE_* variables and
// secrets. With a private key, the gate also answers at /.well-known/jwks.json.
const gate = createGate({
  routes: [{ path: '/mcp', scopes: ['mcp:tools'] }],
  metadata: { resourceName: 'Tollgate profile' },
});

export default gate.protect<Env>((request, env, _ctx, auth) => {
  // No route is public, so there is always an identity here. Only /mcp is served.
  if (auth === null || new URL(request.url).pathname !== '/mcp') {
    return new Response('Not found\n', { status: 404 });
  }
  // A server per request, because it holds the caller's identity. Exchanged tokens are cached
  // across requests, and the gate returns each of them only for the token that it was exchanged
  // for.
  return createMcpHandler(() => profileServer(gate, auth, env.UPSTREAM_URL)).fetch(request);
});
