import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { BadRequest, originFor, requestOf, type OriginFor } from './node-request.js';
import { refuse, send } from './node-response.js';
import type { MaybePromise, WaitUntil } from './types.js';

/** An application: the object that `gate.protect()` returns, or one that uses a gate itself. */
export interface FetchApplication {
  /** Answers a request. */
  fetch(request: Request, env: any, ctx: WaitUntil): MaybePromise<Response>;
}

/** How the origin of requests is known: either `origin` or `trustHost` must be given. */
export interface RequestListenerOptions {
  /**
   * The public origin of this server, such as `https://api.example.com`. Every request's URL begins
   * with it, and `Host` is ignored.
   */
  origin?: string;
  /**
   * In place of `origin`: the host comes from the request's `Host` header. Use it only if a proxy
   * in front of this server decides which hosts reach it: otherwise the client chooses the host. A
   * request without a usable `Host` is answered with 400.
   */
  trustHost?: boolean;
  /** With `trustHost`: the scheme that clients use. Default: that of the connection. */
  scheme?: 'http' | 'https';
  /** The second argument of `fetch`. Default: `process.env`. */
  env?: unknown;
}

/**
 * Creates a listener for `createServer` of `node:http` or `node:https` from an application that
 * uses `Request` and `Response`. Bodies are streamed in both directions, and the request's `signal`
 * is aborted when the client disconnects. An exception of the application is logged and answered
 * with 500: no request can end the process.
 *
 * `TRACE` is answered with 501, because `Request` does not support it. `CONNECT` does not reach
 * this listener, nor does an `Upgrade` if the server has a listener for it: such a listener must
 * call `gate.authenticate()` itself.
 */
export function createRequestListener(app: FetchApplication, options: RequestListenerOptions): RequestListener {
  if (typeof app?.fetch !== 'function') {
    throw new TypeError(
      'createRequestListener() takes the object that gate.protect() returns, or another object with a `fetch` method.',
    );
  }
  const origin = originFor(options);
  const env = options.env ?? process.env;
  return (incoming, outgoing) => {
    // Without listeners, a connection that breaks would end the process.
    incoming.on('error', ignore);
    outgoing.on('error', ignore);
    answer(app, env, origin, incoming, outgoing).catch((error: unknown) => {
      if (!(error instanceof BadRequest)) console.error(error);
      refuse(outgoing, error instanceof BadRequest ? error.status : 500);
    });
  };
}

async function answer(
  app: FetchApplication,
  env: unknown,
  origin: OriginFor,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<void> {
  const client = new AbortController();
  outgoing.once('close', () => {
    if (!outgoing.writableFinished) client.abort();
  });
  const request = requestOf(incoming, outgoing, origin, client.signal);
  let response: Response;
  try {
    response = await app.fetch(request, env, CONTEXT);
  } catch (error) {
    // A client that disconnects is not an error.
    if (client.signal.aborted && error === request.signal.reason) return;
    throw error;
  }
  await send(response, incoming.method === 'HEAD', outgoing);
}

/** A process continues after a response by itself. Later failures are logged. */
const CONTEXT: WaitUntil = {
  waitUntil(promise) {
    Promise.resolve(promise).catch((error: unknown) => console.error(error));
  },
};

function ignore(): void {}
