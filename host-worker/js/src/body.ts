/** Reads a body. Of one that is longer than `limit`, it reads one byte more and stops. */
export async function readBody(stream: ReadableStream<Uint8Array> | null, limit: number): Promise<Uint8Array> {
  if (stream === null) return new Uint8Array(0);
  const chunks: Uint8Array[] = [];
  let length = 0;
  const reader = stream.getReader();
  while (length <= limit) {
    const { done, value } = await reader.read();
    if (done) break;
    length += value.byteLength;
    chunks.push(value);
  }
  if (length > limit) await reader.cancel().catch(() => {});
  const read = Math.min(length, limit + 1);
  if (chunks.length === 1) return chunks[0]!.subarray(0, read);
  const body = new Uint8Array(read);
  let at = 0;
  for (const chunk of chunks) {
    body.set(chunk.subarray(0, read - at), at);
    at += chunk.byteLength;
  }
  return body;
}
