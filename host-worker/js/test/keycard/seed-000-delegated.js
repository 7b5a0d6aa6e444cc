// Delegated access as on the package's page, with other imports.
import {
  createKeycardWorker,
  IsolateSafeTokenCache,
  resolveCredential,
} from "tollgate/keycard";
import { TokenExchangeClient } from "tollgate/keycard";

let tokenCache;

function getCache(env) {
  if (!tokenCache) {
    const credential = resolveCredential(env);
    const client = new TokenExchangeClient(
      env.KEYCARD_ISSUER,
      credential.getAuth() ?? undefined,
    );
    tokenCache = new IsolateSafeTokenCache(client, { credential });
  }
  return tokenCache;
}

export default createKeycardWorker({
  async fetch(request, env, ctx, auth) {
    const cache = getCache(env);
    const token = await cache.getToken(
      auth.subject,
      auth.token,
      "https://api.github.com",
    );

    const response = await fetch("https://api.github.com/user", {
      headers: { Authorization: `Bearer ${token.accessToken}` },
    });
    return new Response(await response.text());
  },
});
