import type { RequestHandler } from './types.js';

/** A protected route. */
export interface Route {
  /** Undefined: any host. */
  origin: string | undefined;
  /** Without a slash at its end: empty for the whole host. */
  path: string;
  handler: RequestHandler;
}

/**
 * Reads a route: a path, or an absolute URL. `/api/` and `/api` are the same: the path and what lies
 * below it.
 */
export function routeOf(text: string, handler: RequestHandler): Route {
  const url = endpointUrl(text, 'apiRoute');
  if (url.search !== '' || url.hash !== '')
    throw new TypeError(`The route ${text} must have no query and no fragment.`);
  return { origin: isAbsolute(text) ? url.origin : undefined, path: url.pathname.replace(/\/+$/, ''), handler };
}

/** The route of a request: the longest that covers it, and of two the one with a host. */
export function routeFor(routes: readonly Route[], url: URL): Route | undefined {
  let found: Route | undefined;
  for (const route of routes) {
    if (route.origin !== undefined && new URL(route.origin).host !== url.host) continue;
    if (!covers(route.path, url.pathname)) continue;
    const better =
      found === undefined ||
      route.path.length > found.path.length ||
      (route.path.length === found.path.length && found.origin === undefined);
    if (better) found = route;
  }
  return found;
}

/** Whether a path is `base` or below it: `/mcp` covers `/mcp/x` and not `/mcp-other`. */
export function covers(base: string, path: string): boolean {
  const trimmed = base.replace(/\/+$/, '');
  return path === trimmed || path.startsWith(`${trimmed}/`);
}

export const isAbsolute = (text: string): boolean => /^https?:\/\//i.test(text);

/** A path or an absolute URL. The host of a path has no meaning. */
export function endpointUrl(text: unknown, option: string): URL {
  if (typeof text === 'string' && (text.startsWith('/') || isAbsolute(text))) {
    try {
      return new URL(text, 'https://any.invalid');
    } catch {}
  }
  throw new TypeError(`\`${option}\` must be a path that begins with /, or an absolute URL.`);
}
