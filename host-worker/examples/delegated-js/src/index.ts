// An MCP server on Workers whose tools call another API as the user. The agent's token is good here
// and nowhere else; it is exchanged for one that is good there, and says both who the user is and
// that this Worker acts.

import { createMcpHandler } from '@modelcontextprotocol/server';
import { createGate } from 'tollgate';
import { profileServer } from './tools.ts';

interface Env {
  /** Origin of the API that the tools call, which is also its name as a resource. */
  UPSTREAM_URL: string;
}

// Issuer, resource and audience, and who this Worker is to the issuer, come from the TOLLGATE_*
// variables and secrets. With a private key, the gate also answers at /.well-known/jwks.json.
const gate = createGate({
  routes: [{ path: '/mcp', scopes: ['mcp:tools'] }],
  metadata: { resourceName: 'Tollgate profile' },
});

export default gate.protect<Env>((request, env, _ctx, auth) => {
  // No route is public, so there always is an identity here; anything else but /mcp is nothing.
  if (auth === null || new URL(request.url).pathname !== '/mcp') {
    return new Response('Not found\n', { status: 404 });
  }
  // A server per request, because it holds the caller's identity. What is kept over requests are
  // the exchanged tokens, and the gate gives each of them only for the token that it was got for.
  return createMcpHandler(() => profileServer(gate, auth, env.UPSTREAM_URL)).fetch(request);
});
