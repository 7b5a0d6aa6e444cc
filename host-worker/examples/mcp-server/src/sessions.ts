// Sessions of clients with a protocol revision before 2026-07-28, which has no sessions.
//
// A session is never a credential: every request is authorized by its token, and a session id is
// looked up only in the object of that token's user. Another user's id is unknown there.

import type { Session, UserSpace } from './user-space.ts';

const SESSION_HEADER = 'mcp-session-id';
/** The format of `UserSpace.openSession`: a UUID. Other ids are not looked up. */
const SESSION_ID = /^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$/;

/**
 * The request's session: its state, null without a session, or a response that ends the request
 * (the session does not exist, or was just closed).
 */
export async function resumeSession(
  request: Request,
  space: DurableObjectStub<UserSpace>,
): Promise<{ state: Session | null } | { response: Response }> {
  const id = request.headers.get(SESSION_HEADER);
  if (id === null) return { state: null };
  if (!SESSION_ID.test(id)) return { response: noSuchSession() };
  if (request.method === 'DELETE') {
    const closed = await space.closeSession(id);
    return { response: closed ? new Response(null, { status: 204 }) : noSuchSession() };
  }
  const state = await space.useSession(id);
  return state === null ? { response: noSuchSession() } : { state };
}

/** Adds a new session to the response of a successful `initialize`; leaves any other as it is. */
export async function openSessionFor(
  message: unknown,
  response: Response,
  space: DurableObjectStub<UserSpace>,
): Promise<Response> {
  const { method, params } = (message ?? {}) as { method?: unknown; params?: InitializeParams };
  if (method !== 'initialize' || !response.ok) return response;
  const name = params?.clientInfo?.name;
  const opened = new Response(response.body, response);
  opened.headers.set(SESSION_HEADER, await space.openSession(typeof name === 'string' ? name : ''));
  return opened;
}

interface InitializeParams {
  clientInfo?: { name?: unknown };
}

/** 404 makes a client start a new session (MCP 2025-11-25, transports). */
function noSuchSession(): Response {
  const error = { code: -32001, message: 'There is no such session; start with initialize' };
  return Response.json({ jsonrpc: '2.0', id: null, error }, { status: 404 });
}
