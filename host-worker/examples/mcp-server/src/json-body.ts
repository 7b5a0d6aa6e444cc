// Reading a request's body once, within a limit.

/**
 * The maximum size of a body in bytes. The largest valid message is an `add_note` of 2,000
 * characters, at most 12 KB as escaped JSON; a batch of twenty of them fits.
 */
const MAX_BODY_BYTES = 256 * 1024;

/** A parsed body, or why it was refused. */
export type JsonBody = { kind: 'parsed'; value: unknown } | { kind: 'too-large' } | { kind: 'not-json' };

/**
 * Reads and parses a body. The body is parsed once, so that the checked value is the one that is
 * used: two parsers could interpret a text differently.
 */
export async function readJson(request: Request): Promise<JsonBody> {
  const chunks: Uint8Array[] = [];
  let size = 0;
  for await (const chunk of request.body ?? []) {
    size += chunk.byteLength;
    // Counted while reading: Content-Length may be missing.
    if (size > MAX_BODY_BYTES) return { kind: 'too-large' };
    chunks.push(chunk);
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: false }).decode(await new Blob(chunks).bytes());
    return { kind: 'parsed', value: JSON.parse(text) };
  } catch {
    return { kind: 'not-json' };
  }
}
