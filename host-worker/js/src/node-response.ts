import type { ServerResponse } from 'node:http';

/** Headers of one connection, not of the response (RFC 9110 section 7.6.1): Node sets its own. */
const OF_CONNECTION = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
]);

/** Statuses that have no body (RFC 9110 section 15). */
const WITHOUT_BODY = new Set([204, 205, 304]);

/** Sends a response, as fast as the client takes it. */
export async function send(response: Response, toHead: boolean, outgoing: ServerResponse): Promise<void> {
  const { body } = response;
  if (outgoing.destroyed) {
    await body?.cancel();
    return;
  }
  // `Response.error()` has status 0, and an application cannot send informational responses.
  if (response.status < 200) throw new TypeError(`A response with status ${response.status} cannot be sent.`);
  outgoing.statusCode = response.status;
  if (response.statusText !== '') outgoing.statusMessage = response.statusText;
  // A body that is longer or shorter than its `content-length` ends the connection: the rest would
  // be read as the next response. Node decodes the bodies of `fetch` and leaves the length of the
  // encoded body in the headers.
  outgoing.strictContentLength = true;
  const encoded = response.headers.has('content-encoding');
  for (const [name, value] of response.headers) {
    if (name === 'set-cookie' || OF_CONNECTION.has(name) || (encoded && name === 'content-length')) continue;
    outgoing.setHeader(name, value);
  }
  const cookies = response.headers.getSetCookie();
  if (cookies.length > 0) outgoing.setHeader('set-cookie', cookies);
  if (body === null || toHead || WITHOUT_BODY.has(response.status)) {
    outgoing.end();
    await body?.cancel();
    return;
  }
  const reader = body.getReader();
  // A stream of events must not wait for its first event.
  // Unlike `flushHeaders()`, this keeps header values in Latin-1.
  outgoing.write(new Uint8Array(0));
  outgoing.once('close', () => {
    reader.cancel().catch(() => {}); // it has already ended or failed
  });
  for (;;) {
    const { done, value } = await reader.read();
    if (outgoing.destroyed) return;
    if (done) break;
    if (!outgoing.write(value)) await writable(outgoing);
  }
  outgoing.end();
}

/** Resolves when the client has received the data, or has disconnected. */
function writable(outgoing: ServerResponse): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      outgoing.off('drain', go);
      outgoing.off('close', go);
      resolve();
    };
    outgoing.on('drain', go);
    outgoing.on('close', go);
  });
}

/** Answers without details. A response that has already begun is aborted, so that it does not look complete. */
export function refuse(outgoing: ServerResponse, status: number): void {
  if (outgoing.destroyed) return;
  if (outgoing.headersSent) {
    outgoing.destroy();
    return;
  }
  for (const name of outgoing.getHeaderNames()) outgoing.removeHeader(name);
  const error = status === 500 ? 'server_error' : status === 501 ? 'not_implemented' : 'invalid_request';
  outgoing.statusMessage = ''; // Node adds the usual one
  const body = JSON.stringify({ error });
  outgoing.writeHead(status, {
    'content-type': 'application/json',
    'content-length': body.length,
    'cache-control': 'no-store',
  });
  outgoing.end(body);
}
