// The same as first.js, with jose.
import { createLocalJWKSet, jwtVerify } from 'jose';

const { issuer, audience, jwks } = SETTINGS;
const keys = createLocalJWKSet(jwks);

export default {
  async fetch(request) {
    const token = request.headers.get('authorization').slice('Bearer '.length);
    const { payload } = await jwtVerify(token, keys, { issuer, audience, typ: 'at+jwt', algorithms: ['ES256'] });
    return new Response(payload.sub);
  },
};
