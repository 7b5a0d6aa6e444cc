import type { IncomingMessage, ServerResponse } from 'node:http';
import type { RequestListenerOptions } from './node-http.js';

/** A request that cannot become a `Request`. */
export class BadRequest extends Error {
  readonly status: number;

  constructor(status: number) {
    super();
    this.status = status;
  }
}

/** Returns the origin of a request. */
export type OriginFor = (incoming: IncomingMessage, host: string | undefined) => string;

/** Checks the options for the origin of requests. */
export function originFor(options: RequestListenerOptions): OriginFor {
  const { origin, trustHost, scheme } = options ?? {};
  if (origin === undefined) {
    if (trustHost !== true) {
      throw new TypeError(
        "Set `origin`, such as 'https://api.example.com', or `trustHost: true` if a proxy in front of this server decides which hosts reach it.",
      );
    }
    if (scheme !== undefined && scheme !== 'http' && scheme !== 'https')
      throw new TypeError("`scheme` must be 'http' or 'https'.");
    return (incoming, host) => {
      if (host === undefined || !HOST.test(host)) throw new BadRequest(400);
      return `${scheme ?? ((incoming.socket as { encrypted?: boolean }).encrypted === true ? 'https' : 'http')}://${host}`;
    };
  }
  if (trustHost === true || scheme !== undefined)
    throw new TypeError('With `origin`, the `Host` of a request is ignored: remove `trustHost` and `scheme`.');
  if (
    typeof origin !== 'string' ||
    !URL.canParse(origin) ||
    !/^https?:$/.test(new URL(origin).protocol) ||
    new URL(origin).href !== `${new URL(origin).origin}/`
  ) {
    throw new TypeError("`origin` must be a scheme and a host, such as 'https://api.example.com', without a path.");
  }
  const fixed = new URL(origin).origin;
  return () => fixed;
}

/**
 * A host with an optional port (RFC 9110 section 7.2), limited to the characters of names and
 * addresses.
 */
const HOST = /^(?:[A-Za-z0-9._-]+|\[[0-9A-Fa-f:.]+\])(?::[0-9]{1,5})?$/;

/** The forms of RFC 9112 section 3.2 that have a path. */
const ORIGIN_FORM = /^\/[^#]*$/;
const ABSOLUTE_FORM = /^https?:\/\/([^/?#]+)([^#]*)$/i;

/**
 * Creates the `Request`, or throws a {@link BadRequest}. The gate and the application see the same
 * object and URL.
 */
export function requestOf(
  incoming: IncomingMessage,
  outgoing: ServerResponse,
  origin: OriginFor,
  signal: AbortSignal,
): Request {
  const method = incoming.method ?? 'GET';
  // `Request` refuses these (Fetch, "forbidden method").
  if (method === 'TRACE' || method === 'TRACK' || method === 'CONNECT') throw new BadRequest(501);
  const { host, path } = targetOf(incoming);
  const url = `${origin(incoming, host)}${path}`;
  const headers = headersOf(incoming);
  const init: RequestInit & { duplex?: 'half' } = { method, headers, signal };
  if (method !== 'GET' && method !== 'HEAD' && hasBody(incoming)) {
    init.body = bodyOf(incoming, outgoing);
    init.duplex = 'half';
  }
  try {
    return new Request(url, init);
  } catch {
    throw new BadRequest(400);
  }
}

function targetOf(incoming: IncomingMessage): { host: string | undefined; path: string } {
  const target = incoming.url ?? '';
  const hosts = valuesOf(incoming, 'host');
  // A proxy could choose another one of the two (RFC 9112 section 3.2).
  if (hosts.length > 1) throw new BadRequest(400);
  if (ORIGIN_FORM.test(target)) return { host: hosts[0], path: target };
  const absolute = ABSOLUTE_FORM.exec(target);
  if (absolute === null) throw new BadRequest(400);
  const [, host, path] = absolute as unknown as [string, string, string];
  if (!HOST.test(host)) throw new BadRequest(400);
  return { host, path: path.startsWith('/') ? path : `/${path}` };
}

/** All headers as they were received: Node's `headers` drops some that are repeated. */
function headersOf(incoming: IncomingMessage): Headers {
  const headers = new Headers();
  const { rawHeaders } = incoming;
  try {
    for (let i = 0; i < rawHeaders.length; i += 2) {
      const name = rawHeaders[i]!;
      if (name.toLowerCase() !== 'cookie') headers.append(name, rawHeaders[i + 1]!);
    }
    const cookies = valuesOf(incoming, 'cookie');
    // Cookies are not joined with commas (RFC 9113 section 8.2.3).
    if (cookies.length > 0) headers.set('cookie', cookies.join('; '));
  } catch {
    throw new BadRequest(400);
  }
  return headers;
}

function valuesOf({ rawHeaders }: IncomingMessage, name: string): string[] {
  return rawHeaders.filter((_, i) => i % 2 === 1 && rawHeaders[i - 1]!.toLowerCase() === name);
}

/** Whether a body follows (RFC 9112 section 6). */
function hasBody({ headers }: IncomingMessage): boolean {
  return (
    headers['transfer-encoding'] !== undefined ||
    (headers['content-length'] !== undefined && headers['content-length'] !== '0')
  );
}

/** The body, which is read only on demand. */
function bodyOf(incoming: IncomingMessage, outgoing: ServerResponse): ReadableStream<Uint8Array> {
  let begun = false;
  let over = false;
  const begin = (controller: ReadableStreamDefaultController<Uint8Array>): void => {
    const end = (finish: () => void) => {
      if (over) return;
      over = true;
      finish();
    };
    incoming.on('data', (chunk: Uint8Array) => {
      if (over) return; // the rest is read and dropped, so that the connection can be reused
      incoming.pause();
      controller.enqueue(new Uint8Array(chunk));
    });
    incoming.once('end', () => end(() => controller.close()));
    const breakOff = () => {
      end(() =>
        controller.error(new DOMException('The request ended before its body was read completely.', 'AbortError')),
      );
      incoming.resume();
    };
    incoming.once('close', breakOff);
    outgoing.once('close', breakOff);
    if (incoming.destroyed) breakOff();
  };
  return new ReadableStream<Uint8Array>(
    {
      pull(controller) {
        if (!begun) {
          begun = true;
          begin(controller);
        }
        incoming.resume();
      },
      cancel() {
        over = true;
        incoming.resume();
      },
    },
    { highWaterMark: 0 },
  );
}
