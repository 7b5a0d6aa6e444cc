// Two tools that need another API: one calls it, one only requests access.

import { McpServer } from '@modelcontextprotocol/server';
import { TokenError, type Gate, type Identity } from 'tollgate';
import { z } from 'zod';

/** The scopes that the tools request at the upstream API: only those that they need. */
const UPSTREAM_SCOPES = ['profile:read'];
/** Models do not wait longer for a tool. */
const UPSTREAM_TIMEOUT_MS = 10_000;

/** The response of the upstream API. */
const profile = z.object({
  subject: z.string(),
  client_id: z.string().nullable().describe('The application that the token was issued to'),
  actors: z.array(z.string()).describe('Who acts for the user, the one who acts now first'),
  scopes: z.array(z.string()),
  audience: z.array(z.string()),
});

/** A server for one caller. */
export function profileServer(gate: Gate, auth: Identity, upstream: string): McpServer {
  const server = new McpServer(
    { name: 'tollgate-delegated', version: '0.1.0' },
    // The tools never change while the Worker runs, so no client needs to listen for changes.
    { capabilities: { tools: { listChanged: false } } },
  );

  server.registerTool(
    'read_profile',
    {
      title: 'Read my profile',
      description: 'Reads your profile from the profile API, on your behalf.',
      inputSchema: z.object({}),
      outputSchema: profile,
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    () =>
      orFailure(async () => {
        const init = { signal: AbortSignal.timeout(UPSTREAM_TIMEOUT_MS) };
        // Exchanges the caller's token, or uses a cached token. After a 401 of the upstream API, it
        // gets a new token and repeats the call once.
        const response = await gate.fetchAs(auth, upstream, new URL('/me', upstream), init, {
          scopes: UPSTREAM_SCOPES,
        });
        if (!response.ok) {
          await response.body?.cancel();
          return failure(`The profile API answered with HTTP ${response.status}.`);
        }
        return answer(profile.parse(await response.json()));
      }),
  );

  server.registerTool(
    'check_access',
    {
      title: 'Check access',
      description: 'Tells whether this server may act for you at the profile API, and until when.',
      inputSchema: z.object({}),
      outputSchema: z.object({ scopes: z.array(z.string()), expiresAt: z.string().nullable() }),
      annotations: { readOnlyHint: true, openWorldHint: false },
    },
    () =>
      orFailure(async () => {
        const token = await gate.exchange(auth, upstream, { scopes: UPSTREAM_SCOPES });
        return answer({
          // An issuer may omit the scopes if it grants the requested ones.
          scopes: [...(token.scopes ?? UPSTREAM_SCOPES)],
          expiresAt: token.expiresAt?.toISOString() ?? null,
        });
      }),
  );

  return server;
}

/** The result of a tool. A refused exchange becomes an error that the model can act on. */
async function orFailure(tool: () => Promise<ToolAnswer>): Promise<ToolAnswer> {
  try {
    return await tool();
  } catch (error) {
    if (!(error instanceof TokenError)) throw error;
    console.warn(`no token for the upstream API: ${error.message}`);
    // The message that an HTTP client would get. It does not include the issuer's text
    // (`error.errorDescription`), because a model might follow instructions in it.
    const { error_description: sentence = 'This server is not configured correctly' } = await error
      .toResponse()
      .json<{ error_description?: string }>();
    return failure(`${sentence}.`);
  }
}

interface ToolAnswer {
  [member: string]: unknown;
  content: { type: 'text'; text: string }[];
  structuredContent?: Record<string, unknown>;
  isError?: boolean;
}

/** The same value for programs (structured) and for models that read only text. */
function answer(value: Record<string, unknown>): ToolAnswer {
  return { content: [{ type: 'text', text: JSON.stringify(value) }], structuredContent: value };
}

function failure(text: string): ToolAnswer {
  return { content: [{ type: 'text', text }], isError: true };
}
