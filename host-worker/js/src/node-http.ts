import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import { BadRequest, originFor, requestOf, type OriginFor } from './node-request.js';
import { refuse, send } from './node-response.js';
import type { MaybePromise, WaitUntil } from './types.js';

/** What answers requests: what `gate.protect()` returns, or an application that stands on a gate. */
export interface FetchApplication {
  fetch(request: Request, env: any, ctx: WaitUntil): MaybePromise<Response>;
}

/** Where the URLs of requests begin: either `origin` or `trustHost` must be given. */
export interface RequestListenerOptions {
  /**
   * The public origin of this server, such as `https://api.example.com`. Every request's URL
   * begins with it, whatever its `Host` says.
   */
  origin?: string;
  /**
   * Instead of `origin`: the host is the one that the request names. Only where something in front
   * of this server decides which hosts reach it: elsewhere the client chooses the host. A request
   * without a usable `Host` is answered 400.
   */
  trustHost?: boolean;
  /** With `trustHost`: the scheme that clients use. Default: that of the connection. */
  scheme?: 'http' | 'https';
  /** The second argument of `fetch`. Default: `process.env`. */
  env?: unknown;
}

/**
 * Makes a listener for `createServer` of `node:http` or `node:https` from an application that
 * speaks `Request` and `Response`. Bodies are streamed both ways, and the request's `signal` is
 * aborted when the client leaves. What the application throws is logged and answered 500: no
 * request can end the process.
 *
 * `TRACE` is answered 501, for `Request` cannot be one. `CONNECT` does not come here, nor does an
 * `Upgrade` where the server has a listener for it: such a listener must ask
 * `gate.authenticate()` itself.
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
    // That the client has left is nobody's fault.
    if (client.signal.aborted && error === request.signal.reason) return;
    throw error;
  }
  await send(response, incoming.method === 'HEAD', outgoing);
}

/** A process goes on after a response by itself. What fails then is logged. */
const CONTEXT: WaitUntil = {
  waitUntil(promise) {
    Promise.resolve(promise).catch((error: unknown) => console.error(error));
  },
};

function ignore(): void {}
