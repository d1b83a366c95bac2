import type { DashwireClient, EditOptions } from './api.ts';
import type { DashboardDocument } from './document.ts';
import type { DashwireError } from './errors.ts';
import type { Item } from './item.ts';
import type { JsonObject } from './json.ts';
import type { ConflictPayload } from './message.ts';
import type { Op } from './operation.ts';
import type { ConnectionEvents } from './transport.ts';

/** How each sealed value begins: a compact JWE whose first header is its `typ`. */
export const sealedPrefix = 'eyJ0eXAiOiJkYXNod2ly';

/**
 * What stands in the place of a value that cannot be opened. Written back to its own place it keeps what is sealed.
 * `opening`: the key is being asked for · `missing`: nobody here has the key · `damaged`: it does not open with its key ·
 * `moved`: it was sealed for another place · `newer`: sealed by a later version of this library.
 */
export interface Locked {
  readonly $locked: 'opening' | 'missing' | 'damaged' | 'moved' | 'newer';
  /** The key that it wants; null = it does not say. */
  readonly kid: string | null;
  /** As the server has it. */
  readonly sealed: string;
}

/** Whether a value is as the server has it: encrypted. */
export const isSealed = (value: unknown): value is string =>
  typeof value === 'string' && value.startsWith(sealedPrefix);

/** Whether a value stands for one that cannot be opened. */
export const isLocked = (value: unknown): value is Locked & JsonObject =>
  isSealed((value as Partial<Locked> | null | undefined)?.sealed);

/**
 * What the client asks of the encryption of fields; `@dashwire/client/encryption` makes it. The replica, the outbox and
 * the disk hold values as the server has them; they are opened where an app reads.
 */
export interface Sealing {
  /** Stands between the connection and the client, so that what comes can be opened at once; `refresh` is called when a key has come or gone. */
  follow(events: ConnectionEvents, refresh: () => void): ConnectionEvents;
  /** The op with its plain values in cells, which go no further than this page; throws `LOCKED`. `seen` is what it is made on. */
  prepare(dashboardId: string, op: Op, seen: DashboardDocument | null, options: EditOptions): Op;
  /** Has an item hold its op as it is sent; resolves to a `LOCKED` error where no key is there to write with. */
  seal(item: Pick<Item, 'op' | 'label' | 'words'>): Promise<DashwireError | undefined>;
  /** Resolves once what is sealed in a value can be opened at once, as far as its keys are here. */
  ready(value: unknown): Promise<unknown>;
  /** The document as an app sees it; the same one as long as nothing changes. */
  open(document: DashboardDocument | null): DashboardDocument | null;
  /** A clash with its values opened. */
  opened(clash: ConflictPayload): ConflictPayload;
  /** Takes away the clashes that are none by value; without any left, the item has the op to send now. */
  decide(item: Pick<Item, 'op' | 'clashes'>): void;
  /** The client with what REST and events tell opened; events that are none by value are left out. */
  wrap(client: DashwireClient): DashwireClient;
}
