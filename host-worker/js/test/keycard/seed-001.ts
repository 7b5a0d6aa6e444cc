// The guide's Worker with other imports; what it leaves to the reader calls the API.
import { createKeycardWorker, IsolateSafeTokenCache, resolveCredential } from "tollgate/keycard";
import { TokenExchangeClient } from "tollgate/keycard";

interface Env {
  KEYCARD_ISSUER: string;
  KEYCARD_CLIENT_ID?: string;
  KEYCARD_CLIENT_SECRET?: string;
  KEYCARD_PRIVATE_KEY?: string;
  KEYCARD_RESOURCE_URL: string;
}

let tokenCache: IsolateSafeTokenCache;

function getCache(env: Env) {
  if (!tokenCache) {
    const credential = resolveCredential(env);
    const client = new TokenExchangeClient(env.KEYCARD_ISSUER, credential.getAuth() ?? undefined);
    tokenCache = new IsolateSafeTokenCache(client, { credential });
  }
  return tokenCache;
}

export default createKeycardWorker<Env>({
  resourceName: "My Worker MCP Server",
  scopesSupported: ["mcp:tools"],
  requiredScopes: ["mcp:tools"],

  async fetch(request, env, ctx, auth) {
    const cache = getCache(env);
    const upstream = await cache.getToken(auth.subject!, auth.token, env.KEYCARD_RESOURCE_URL);
    const response = await fetch(`${env.KEYCARD_RESOURCE_URL}/user`, {
      headers: { Authorization: `Bearer ${upstream.accessToken}` },
    });
    return new Response(await response.text());
  },
});
