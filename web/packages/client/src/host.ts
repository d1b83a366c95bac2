import type { Platform } from './api.ts';
import type { Entry } from './message.ts';
import type { Outbox } from './outbox.ts';
import type { Sealing } from './sealing.ts';

/** What a dashboard needs of the client that it belongs to. */
export interface Host {
  readonly platform: Platform;
  readonly outbox: Outbox;
  readonly encryption?: Sealing;
  /** Sends with a fresh id, and gives that; null = there is no session. */
  send(type: string, payload: object): string | null;
  /** Tells the connection which dashboards are open, and where they stand. */
  follow(): void;
  /** A SYNC_REQUEST was answered, for good or ill. */
  synced(): void;
  entry(entry: Entry): void;
}
