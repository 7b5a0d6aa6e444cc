// An API on Workers behind Tollgate: a public, a protected and a scoped route.

import { createGate } from 'tollgate';

// Which issuer, resource and audience: the TOLLGATE_* variables in wrangler.jsonc.
const gate = createGate({
  routes: [
    { path: '/health', public: true },
    { path: '/reports', scopes: ['reports:read'] },
    // Paths without a route, such as `/me`, need a valid token.
  ],
});

// Called only for allowed requests. `auth` is null only on public routes.
export default gate.protect(async (request, env, ctx, auth) => {
  switch (`${request.method} ${new URL(request.url).pathname}`) {
    case 'GET /health':
      return Response.json({ status: 'ok' });

    case 'GET /me':
      return Response.json({
        subject: auth.subject,
        clientId: auth.clientId,
        scopes: auth.scopes,
        expiresAt: auth.expiresAt,
        // Another claim, if the issuer includes it.
        name: auth.claims.name ?? null,
      });

    case 'GET /reports':
      return Response.json({ reports: [], requestedBy: auth.subject });

    case 'POST /reports': {
      const report = await request.json().catch(() => null);
      if (typeof report?.title !== 'string') return new Response('A report has a title\n', { status: 400 });
      // Scopes that depend on the body cannot be in a route. The refusal is a 403 with a challenge
      // that names all scopes of the request, so that one new token is enough.
      const refusal = report.published && auth.require('reports:read', 'reports:publish');
      return refusal || Response.json({ title: report.title, author: auth.subject }, { status: 201 });
    }

    default:
      return new Response('Not found\n', { status: 404 });
  }
});
