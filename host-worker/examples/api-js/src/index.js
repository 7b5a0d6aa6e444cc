// An API on Workers behind Tollgate: a public, a protected and a scoped route.

import { createGate } from "tollgate";

// Which issuer, resource and audience: the TOLLGATE_* variables in wrangler.jsonc.
const gate = createGate({
  routes: [
    { path: "/health", public: true },
    { path: "/reports", scopes: ["reports:read"] },
    // What no route names needs a valid token: `/me` here, and whatever comes later.
  ],
});

// Runs only for requests that may go on. `auth` is null on public routes and nowhere else.
export default gate.protect((request, env, ctx, auth) => {
  switch (new URL(request.url).pathname) {
    case "/health":
      return Response.json({ status: "ok" });
    case "/me":
      return Response.json({ subject: auth.subject, clientId: auth.clientId, scopes: auth.scopes });
    case "/reports":
      return Response.json({ reports: [], requestedBy: auth.subject });
    default:
      return new Response("Not found\n", { status: 404 });
  }
});
