/** What carries the messages of one session: a WebSocket, or REST and SSE. */
import type { ConnectionStatus } from './api.ts';
import type { ClientMessage, ServerMessage } from './message.ts';
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
  follow(dashboards: ReadonlyMap<string, { epoch: string; version: number } | null>): void;
  /** What the core adds to the connection's own state: `catching-up` until all that is open was answered, then `live`, or `read-only`. */
  settle(state: 'catching-up' | 'live' | 'read-only'): void;
  setOffline(offline: boolean): void;
  reconnect(): void;
  /** Ends it for good; DISCONNECT is sent if there is a session. */
  stop(): Promise<void>;
}
