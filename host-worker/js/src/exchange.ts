import type { Request as ClientRequest, Response as ClientResponse, HttpError, Result } from '#glue/http-client';
import { readBody } from './body.js';
import { dispose, type Pending } from './pending.js';

type Outcome = Result<ClientResponse, HttpError>;

/** One request to an issuer: the component's `pending-response`. */
export class Exchange implements Pending {
  /** Whether there is an outcome, even if `poll` has already returned it. */
  ended = false;
  readonly mayHang = true;
  readonly isDocument: boolean;
  /** Resolves when there is an outcome. Never rejects. */
  readonly end: Promise<void>;
  #outcome: Outcome | undefined;
  #abort = new AbortController();

  constructor(request: ClientRequest, fetch: (url: string, init: RequestInit) => Promise<Response>) {
    // Token requests use POST.
    this.isDocument = request.method === 'GET';
    let timedOut = false;
    const timer = setTimeout(() => {
      timedOut = true;
      this.#abort.abort();
    }, request.timeoutMs);
    this.end = this.#run(request, fetch)
      .catch((): Outcome => ({ tag: 'err', val: { tag: timedOut ? 'timed-out' : 'unreachable' } }))
      .then((outcome) => {
        clearTimeout(timer);
        this.#outcome = outcome;
        this.ended = true;
      });
  }

  async #run(request: ClientRequest, fetch: (url: string, init: RequestInit) => Promise<Response>): Promise<Outcome> {
    const response = await fetch(request.url, {
      method: request.method,
      headers: request.headers,
      body: request.body as BodyInit | undefined,
      redirect: 'manual',
      signal: this.#abort.signal,
    });
    const body = await readBody(response.body, request.maxBodyBytes);
    if (body.length > request.maxBodyBytes) return { tag: 'err', val: { tag: 'too-large' } };
    // Names are in lower case by the Fetch standard.
    return { tag: 'ok', val: { status: response.status, headers: [...response.headers], body } };
  }

  /** The component's `poll`, which returns the outcome once. */
  poll(): Outcome | undefined {
    const outcome = this.#outcome;
    this.#outcome = undefined;
    return outcome;
  }

  /** The component dropped the response. */
  abort(): void {
    if (this.ended) return;
    try {
      this.#abort.abort();
    } catch {
      // workerd throws if the request that started the fetch has ended, and its fetch with it.
    }
  }

  [dispose](): void {
    this.abort();
  }
}
