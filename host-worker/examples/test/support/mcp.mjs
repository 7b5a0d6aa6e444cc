// Sends MCP requests to a Worker, with the official client and, for invalid requests, by hand.
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';

/** The two ways of the protocol: stateless since 2026-07-28, with sessions before. */
export const REVISIONS = { modern: { pin: '2026-07-28' }, legacy: 'legacy' };

/**
 * The official client, connected.
 * @param {{ bearer?: string, authProvider?: object, revision?: keyof REVISIONS, sessionId?: string }} how
 */
export async function connect(url, { bearer, authProvider, revision = 'modern', ...options }) {
  const client = new Client({ name: 'test', version: '1' }, { versionNegotiation: { mode: REVISIONS[revision] } });
  const transport = new StreamableHTTPClientTransport(url, {
    authProvider: authProvider ?? { token: async () => bearer },
    onInsufficientScope: authProvider === undefined ? 'throw' : 'reauthorize',
    ...options,
  });
  await client.connect(transport);
  return {
    client,
    transport,
    call: async (name, args = {}) => (await client.callTool({ name, arguments: args })).structuredContent,
  };
}

/** A `tools/call` message as clients before 2026-07-28 send it. */
export function toolCall(name, args = {}, id = 1) {
  return { jsonrpc: '2.0', id, method: 'tools/call', params: { name, arguments: args } };
}

/** Posts messages as they are. */
export function post(worker, url, body, bearer, headers = {}) {
  return worker.fetch(url, {
    method: 'POST',
    headers: {
      'content-type': 'application/json',
      accept: 'application/json, text/event-stream',
      ...(bearer === undefined ? {} : { authorization: `Bearer ${bearer}` }),
      ...headers,
    },
    body: typeof body === 'string' ? body : JSON.stringify(body),
  });
}

/** All JSON-RPC messages of a response, JSON or event stream. */
export async function messagesOf(response) {
  const text = await response.text();
  if (!response.headers.get('content-type')?.startsWith('text/event-stream')) return [JSON.parse(text)].flat();
  return [...text.matchAll(/^data: ?(.+)$/gm)].flatMap(([, data]) => JSON.parse(data));
}
