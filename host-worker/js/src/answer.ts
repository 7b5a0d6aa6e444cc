import type { Answer } from '#glue/resource-server';

type Headers_ = readonly (readonly [string, string])[];

/** The component's answer as it stands. */
export function responseOf(answer: Answer): Response {
  // An empty body is not the same as none: 204 and 304 may not have one.
  return new Response(answer.body ?? null, { status: answer.status, headers: answer.headers as [string, string][] });
}

/** The answer where the fault is on this side. It says no more: the log does. */
export function serverError(): Response {
  return new Response('{"error":"server_error"}', {
    status: 500,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}

/** Lists to which a handler may have added: the rest has one value, the gate's. */
const LISTS = new Set(['vary', 'access-control-expose-headers']);

/** The handler's response with the gate's headers. */
export function withHeaders(response: Response, headers: Headers_): Response {
  // A WebSocket upgrade is no response that a page reads, and cannot be copied.
  // What is no response at all is the runtime's to complain about.
  if (headers.length === 0 || response?.headers === undefined || response.status === 101) return response;
  try {
    add(response.headers, headers);
    return response;
  } catch {
    // Responses of `fetch` and of `Response.redirect` are immutable.
    const copy = new Response(response.body, response);
    add(copy.headers, headers);
    return copy;
  }
}

function add(to: Headers, headers: Headers_): void {
  for (const [name, value] of headers) {
    if (LISTS.has(name)) {
      const had = to.get(name);
      // Twice the same is what a handler that returns one response object for all would collect.
      if (had === null) to.set(name, value);
      else if (!had.includes(value)) to.append(name, value);
    } else {
      to.set(name, value);
    }
  }
}
