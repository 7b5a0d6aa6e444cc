// The same as guarded.js, as in jose's documentation.
import { createRemoteJWKSet, errors, jwtVerify } from 'jose';

let keys;

export default {
  async fetch(request, env) {
    const issuer = env.TOLLGATE_ISSUER;
    keys ??= createRemoteJWKSet(new URL(`${issuer}/jwks`));
    const token = request.headers.get('authorization').slice('Bearer '.length);
    try {
      const { payload } = await jwtVerify(token, keys, { issuer, audience: 'https://mcp.example.com', typ: 'at+jwt' });
      return new Response(payload.sub);
    } catch (error) {
      return new Response(error.code, { status: error instanceof errors.JOSEError ? 401 : 503 });
    }
  },
};
