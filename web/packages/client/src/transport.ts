/** What carries the messages of one session: a WebSocket, or REST and SSE. */
import type { ConnectionStatus } from './api.ts';
import type { ClientMessage, ServerMessage, Welcome } from './message.ts';
import type { Readable } from './store.ts';

/** What the connection tells the client's core. All calls come one after another, never from within `send`. */
export interface ConnectionEvents {
  /**
   * Signed in and named: from now on `send` works. Every dashboard has to be asked for again (SYNC_REQUEST with `since`), and
   * what was in flight is in doubt.
   */
  opened(): void;
  /** Everything but CONNECT, DISCONNECT, PING and PONG. */
  received(message: ServerMessage): void;
  /** The session has ended; `send` does nothing until `opened` again. */
  lost(): void;
}

/** The connection as the core uses it. It alone reconnects, signs in, beats its heart, and falls back to REST and SSE. */
export interface Connection {
  readonly status: Readable<ConnectionStatus>;
  start(events: ConnectionEvents): void;
  /** False: there is no session now, or the message is over the server's limit. Over the fallback an answer comes the same way. */
  send(message: ClientMessage): boolean;
  /** What dashboards are followed: the fallback opens its stream for them. Call it before SYNC_REQUEST for a new one. */
  follow(dashboards: ReadonlyMap<string, Since | null>): void;
  /** What the core adds to the connection's own state: `catching-up` until all that is open was answered, then `live`, or `read-only`. */
  settle(state: 'catching-up' | 'live' | 'read-only'): void;
  setOffline(offline: boolean): void;
  reconnect(): void;
  /** Ends it for good; DISCONNECT is sent if there is a session. */
  stop(): Promise<void>;
}

/** The last version that a client has of a dashboard; null = nothing of it. */
export interface Since {
  readonly epoch: string;
  readonly version: number;
}

/** What one session tells the connection. Nothing comes after `ended`, or after the connection has closed it. */
export interface SessionEvents {
  /** A CONNECT of the server: its first one, the one that confirms the client's name, and later ones. */
  welcome(welcome: Welcome): void;
  /** Signed in and named: `send` works. Once. */
  opened(): void;
  received(message: ServerMessage): void;
  /** The token is about to end: give a fresh one to `authenticate` (C3). */
  tokenWanted(): void;
  /** A round trip took so many ms. */
  latency(ms: number): void;
  /** Once, and the last. */
  ended(end: SessionEnd): void;
}

/** How a session came to its end. */
export interface SessionEnd {
  /** A close code of the protocol, or that the server speaks another protocol. */
  readonly code: number | 'incompatible';
  /** For people; may be empty. */
  readonly reason: string;
  /** The window in which to come back, in ms; null = the server says it is no use; undefined = it did not say. */
  readonly afterMs?: readonly [number, number] | null;
}

/** One session with the server. Made at once, opened in its own time. */
export interface Session {
  readonly transport: 'websocket' | 'stream';
  /** False: not open, or over the server's limit. */
  send(message: ClientMessage): boolean;
  /** Signs in with a fresh token. */
  authenticate(token: string): void;
  /** Finds out soon whether the line is alive; `ended` comes if it is not. */
  check(): void;
  /** Leaves on purpose and tells no more events. Resolves when the line is down, within a second. */
  close(): Promise<void>;
}

/** The close codes that a client makes something of. */
export const closed = {
  /** The line broke, or never came up. */
  broken: 1006,
  overloaded: 1013,
  badMessages: 4400,
  signIn: 4401,
  forbidden: 4403,
  heartbeat: 4408,
  replaced: 4409,
  slowDown: 4429,
} as const;
