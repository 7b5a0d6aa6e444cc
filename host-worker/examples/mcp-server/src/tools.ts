// The three tools, with the scopes that each needs.

import { McpServer } from '@modelcontextprotocol/server';
import { z } from 'zod';
import { MAX_NOTES, MAX_NOTE_LENGTH, type Session, type UserSpace } from './user-space.ts';

/** The scopes of every request to `/mcp`. The gate checks them before the body is read. */
export const BASE_SCOPES = ['mcp:read'];

/**
 * All scopes of each tool: a challenge names them, and a client that requests a token with exactly
 * these scopes can repeat the call.
 */
const TOOL_SCOPES: ReadonlyMap<string, readonly string[]> = new Map([
  ['whoami', ['mcp:read']],
  ['list_notes', ['mcp:read']],
  ['add_note', ['mcp:read', 'mcp:write']],
]);

/** Every scope that this server knows, for its metadata. */
export const ALL_SCOPES = [...new Set([...TOOL_SCOPES.values()].flat())];

/**
 * The scopes that a JSON-RPC body needs: those of all tool calls in it, so that a batch is refused
 * as a whole before the first of its calls runs. An unknown tool needs none: the SDK answers that
 * it does not exist.
 */
export function scopesNeeded(body: unknown): string[] {
  const needed = new Set<string>();
  for (const message of Array.isArray(body) ? body : [body]) {
    if (message?.method !== 'tools/call') continue;
    for (const scope of TOOL_SCOPES.get(message.params?.name) ?? []) needed.add(scope);
  }
  return [...needed];
}

/** The verified identity that the tools act for. */
export interface Caller {
  subject: string;
  issuer: string;
  clientId: string | null;
  scopes: string[];
  /** The session of a client before 2026-07-28. */
  session: Session | null;
}

const note = z.object({
  id: z.number().int(),
  text: z.string(),
  createdAt: z.number().int().describe('Milliseconds since 1970'),
});

/** A server for one request: it holds one caller's identity, so it is never shared. */
export function notesServer(caller: Caller, space: DurableObjectStub<UserSpace>): McpServer {
  const server = new McpServer(
    { name: 'tollgate-notes', version: '0.1.0' },
    // The tools never change while the Worker runs, so no client needs to listen for changes.
    { capabilities: { tools: { listChanged: false } } },
  );

  server.registerTool(
    'whoami',
    {
      title: 'Who am I?',
      description: 'Tells for whom the access token speaks, as the server verified it.',
      inputSchema: z.object({}),
      outputSchema: z.object({
        subject: z.string(),
        issuer: z.string(),
        clientId: z.string().nullable(),
        scopes: z.array(z.string()),
        session: z.object({ client: z.string(), startedAt: z.number().int(), requests: z.number().int() }).nullable(),
      }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    () => answer({ ...caller }),
  );

  server.registerTool(
    'list_notes',
    {
      title: 'List notes',
      description: "Lists your notes, oldest first. Nobody else's are ever listed.",
      inputSchema: z.object({}),
      outputSchema: z.object({ notes: z.array(note) }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    async () => answer({ notes: await space.listNotes() }),
  );

  server.registerTool(
    'add_note',
    {
      title: 'Add a note',
      description: 'Keeps a note for you.',
      inputSchema: z.object({ text: z.string().min(1).max(MAX_NOTE_LENGTH) }),
      outputSchema: z.object({ note }),
      annotations: { readOnlyHint: false, destructiveHint: false, openWorldHint: false },
    },
    async ({ text }) => {
      const added = await space.addNote(text);
      return added === null
        ? failure(`You have ${MAX_NOTES} notes, which is the most that are kept.`)
        : answer({ note: added });
    },
  );

  return server;
}

/** The same value for programs (structured) and for models that read only text. */
function answer(value: Record<string, unknown>) {
  return {
    content: [{ type: 'text' as const, text: JSON.stringify(value) }],
    structuredContent: value,
  };
}

/** A refusal that the model can act on. */
function failure(text: string) {
  return { content: [{ type: 'text' as const, text }], isError: true };
}
