import type { Answer } from '#glue/resource-server';

type Headers_ = readonly (readonly [string, string])[];

/** The component's answer as a `Response`. */
export function responseOf(answer: Answer): Response {
  // An empty body differs from none: 204 and 304 must not have a body.
  return new Response(answer.body ?? null, { status: answer.status, headers: answer.headers as [string, string][] });
}

/** The response for a fault on this side. The details are in the log. */
export function serverError(): Response {
  return new Response('{"error":"server_error"}', {
    status: 500,
    headers: { 'content-type': 'application/json', 'cache-control': 'no-store' },
  });
}

/**
 * Headers with lists, to which the handler may have added. All others have one value, the gate's.
 */
const LISTS = new Set(['vary', 'access-control-expose-headers']);

/** The handler's response with the gate's headers. */
export function withHeaders(response: Response, headers: Headers_): Response {
  // A WebSocket upgrade cannot be copied, and no page reads it as a response. If the value is not a
  // response, the runtime reports it.
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
      const present = had === null ? [] : members(had);
      // Avoids duplicates if a handler returns the same response object for several requests.
      if (!members(value).every((member) => present.includes(member))) to.append(name, value);
    } else {
      to.set(name, value);
    }
  }
}

/** The members of a list in a header, without case. */
function members(list: string): string[] {
  return list.split(',').map((member) => member.trim().toLowerCase());
}
