// The data of one user: notes and sessions, in one Durable Object with its own SQLite database.

import { DurableObject } from 'cloudflare:workers';

/** A note as it is stored and returned. */
export interface Note {
  id: number;
  text: string;
  /** Milliseconds since 1970. */
  createdAt: number;
}

/** A session of a client with a protocol revision before 2026-07-28. */
export interface Session {
  /** The client's name from `initialize`, which is not verified. */
  client: string;
  /** Milliseconds since 1970. */
  startedAt: number;
  /** Requests in this session, including the current one. */
  requests: number;
}

/** Notes per user: limits what one user can store, and what `list_notes` returns. */
export const MAX_NOTES = 500;
/** Characters per note, which the tool's input schema enforces: `list_notes` stays below 4 MB. */
export const MAX_NOTE_LENGTH = 2_000;
/**
 * Sessions per user: several devices with several windows each. The least recently used session is
 * closed first.
 */
const MAX_SESSIONS = 32;
/** A session expires after this time without use, in milliseconds: one day. */
const SESSION_IDLE_MS = 24 * 60 * 60 * 1000;
/** Stored characters of a client's name, which is only displayed. */
const MAX_CLIENT_LENGTH = 100;

/**
 * One user's storage. The name under which `spaceOf` finds the object decides which user: no method
 * takes a user, so none can return another user's data.
 */
export class UserSpace extends DurableObject {
  private readonly sql: SqlStorage;

  constructor(state: DurableObjectState, env: unknown) {
    super(state, env as never);
    this.sql = state.storage.sql;
    this.sql.exec(`
      CREATE TABLE IF NOT EXISTS notes (
        id INTEGER PRIMARY KEY AUTOINCREMENT, text TEXT NOT NULL, created_at INTEGER NOT NULL);
      CREATE TABLE IF NOT EXISTS sessions (
        id TEXT PRIMARY KEY, client TEXT NOT NULL, started_at INTEGER NOT NULL,
        used_at INTEGER NOT NULL, requests INTEGER NOT NULL);
    `);
  }

  /** All notes, oldest first. */
  listNotes(): Note[] {
    return this.sql
      .exec<{ id: number; text: string; created_at: number }>('SELECT id, text, created_at FROM notes ORDER BY id')
      .toArray()
      .map((row) => ({ id: row.id, text: row.text, createdAt: row.created_at }));
  }

  /** Stores a note; null when there are `MAX_NOTES` already. Does not check the text's length. */
  addNote(text: string): Note | null {
    const { count } = this.sql.exec<{ count: number }>('SELECT COUNT(*) AS count FROM notes').one();
    if (count >= MAX_NOTES) return null;
    const createdAt = Date.now();
    const { id } = this.sql
      .exec<{ id: number }>('INSERT INTO notes (text, created_at) VALUES (?, ?) RETURNING id', text, createdAt)
      .one();
    return { id, text, createdAt };
  }

  /** Starts a session and returns its id, which is useless without this user's token. */
  openSession(client: string): string {
    const now = Date.now();
    this.sql.exec('DELETE FROM sessions WHERE used_at < ?', now - SESSION_IDLE_MS);
    this.sql.exec(
      `DELETE FROM sessions WHERE id NOT IN
         (SELECT id FROM sessions ORDER BY used_at DESC, rowid DESC LIMIT ?)`,
      MAX_SESSIONS - 1,
    );
    const id = crypto.randomUUID();
    this.sql.exec(
      'INSERT INTO sessions (id, client, started_at, used_at, requests) VALUES (?, ?, ?, ?, 1)',
      id,
      client.slice(0, MAX_CLIENT_LENGTH),
      now,
      now,
    );
    return id;
  }

  /** Counts a request in a session; null when this user has no such session (any more). */
  useSession(id: string): Session | null {
    const now = Date.now();
    const row = this.sql
      .exec<{ client: string; started_at: number; requests: number }>(
        `UPDATE sessions SET used_at = ?, requests = requests + 1 WHERE id = ? AND used_at >= ?
           RETURNING client, started_at, requests`,
        now,
        id,
        now - SESSION_IDLE_MS,
      )
      .toArray()[0];
    return row === undefined ? null : { client: row.client, startedAt: row.started_at, requests: row.requests };
  }

  /** Ends a session; false when this user has no such session. */
  closeSession(id: string): boolean {
    return this.sql.exec('DELETE FROM sessions WHERE id = ?', id).rowsWritten > 0;
  }
}
