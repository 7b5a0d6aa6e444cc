import type { RequestHandler } from './types.js';

/** Calls a handler, which is an object or a class. */
export function handle(handler: RequestHandler, request: Request, env: any, ctx: any): Response | Promise<Response> {
  // Its `fetch` was checked when the provider was made.
  if (typeof handler === 'function') return new handler(ctx, env).fetch!(request);
  return handler.fetch!(request, env, ctx);
}
