/**
 * What an app sees of the client. Everything is read through {@link Readable}s and changed through methods; nothing here
 * needs a UI library.
 */
import type { DashboardDocument, Layout, Move, Patch, Pointer, Widget } from './document.ts';
import type { DashwireError } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import type {
  AckPayload,
  ConflictField,
  ConflictPayload,
  Entry,
  Limits,
  Presence,
  Role,
  WidgetData,
} from './message.ts';
import type { BatchedOp, Op, OpType, Policy } from './operation.ts';
import type { Sealing } from './sealing.ts';
import type { Readable } from './store.ts';

export type ConnectionState =
  | 'initial'
  | 'connecting'
  | 'authenticating'
  | 'catching-up'
  | 'live'
  | 'reconnecting'
  /** The device has no network, or the app switched it off. */
  | 'offline'
  /** REST and SSE carry everything, since no WebSocket gets through; still probing for one. */
  | 'fallback'
  /** A new token is needed (4401). */
  | 'needs-auth'
  /** Connected, and every dashboard that is open may only be read. */
  | 'read-only'
  /** The server speaks another protocol: reload the page. */
  | 'incompatible'
  /** Ended for good: by `destroy`, or refused (4403, 4409). */
  | 'closed';

export interface ConnectionStatus {
  readonly state: ConnectionState;
  readonly transport: 'websocket' | 'stream' | null;
  /** Failed attempts since it last worked. */
  readonly attempt: number;
  /** When the next attempt is due, in ms since 1970; null = none is planned. */
  readonly retryAt: number | null;
  /** Since when the state is what it is, in ms since 1970. */
  readonly since: number;
  readonly error: DashwireError | null;
  readonly sessionId: string | null;
  readonly clientId: string | null;
  readonly userId: string | null;
  readonly limits: Limits | null;
  /** Add it to the local clock to have the server's, in ms. */
  readonly clockOffset: number;
  /** Round trip of the last heartbeat or answer, in ms; null = not known. */
  readonly latency: number | null;
}

/** The one word for it, for an indicator. In the order of what matters most. */
export type SyncState =
  | 'incompatible'
  | 'closed'
  | 'needs-auth'
  | 'storage-full'
  | 'conflict'
  | 'rejected'
  | 'offline'
  | 'reconnecting'
  | 'saving'
  | 'read-only'
  | 'fallback'
  | 'saved'
  | 'loading';

export interface SyncStatus {
  readonly state: SyncState;
  /** Ops that are not settled and need nobody: drafts, queued, in flight, in doubt, waiting, blocked. */
  readonly pending: number;
  readonly conflicts: number;
  readonly rejected: number;
  /** Since when something is pending without a break, in ms since 1970; null = nothing is. */
  readonly pendingSince: number | null;
  /** When the last op settled, in ms since 1970. */
  readonly lastSavedAt: number | null;
  /** False: what is pending lives in memory only, and a reload loses it. */
  readonly durable: boolean;
}

/** draft → queued → in-flight → acked → settled; see the client guide. */
export type OperationState =
  | 'draft'
  | 'queued'
  | 'in-flight'
  | 'in-doubt'
  | 'waiting'
  | 'acked'
  | 'settled'
  | 'conflicted'
  | 'rejected'
  | 'blocked'
  | 'discarded';

/** One op as it stands now. A new object for every change of it. */
export interface PendingOperation {
  readonly id: string;
  readonly dashboardId: string;
  readonly type: OpType;
  readonly state: OperationState;
  /** The op as it is or will be sent; what is encrypted stays so. */
  readonly op: Op;
  /** For a person, in English: `Move CPU`. */
  readonly label: string;
  /** When the edit began, in ms since 1970. */
  readonly createdAt: number;
  readonly attempts: number;
  /** Why it is rejected or waiting. */
  readonly error: DashwireError | null;
  /** True once it is on this device's disk. */
  readonly persisted: boolean;
}

/** What became of an op. */
export interface Outcome {
  readonly id: string;
  readonly state: 'settled' | 'conflicted' | 'rejected' | 'discarded';
  readonly ack?: AckPayload;
  readonly conflict?: Conflict;
  readonly error?: DashwireError;
}

/** The receipt of an edit. */
export interface Operation {
  readonly id: string;
  /** Resolves when nothing more happens by itself; never rejects. A conflict resolves it: a person goes on from there. */
  readonly done: Promise<Outcome>;
  /** The op now. */
  readonly current: Readable<PendingOperation>;
}

/** Which value a person takes for one field. */
export type FieldChoice = 'mine' | 'theirs' | { readonly value: Json };

/** A clash that waits for a person (M6, M10). */
export interface Conflict {
  readonly id: string;
  readonly dashboardId: string;
  readonly widgetId?: string;
  readonly kind: ConflictPayload['kind'];
  readonly fields: readonly ConflictField[];
  /** The op that clashed. */
  readonly operation: PendingOperation;
  /** When it came, in ms since 1970. */
  readonly at: number;
}

export interface DashboardState {
  /** `ready` stays while the connection is away: the document is then stale. */
  readonly status: 'loading' | 'ready' | 'not-found' | 'forbidden' | 'deleted' | 'failed';
  /** The server's document with everything pending on top; null unless known. */
  readonly document: DashboardDocument | null;
  /** The server's version under it. */
  readonly version: number;
  readonly epoch: string;
  readonly role: Role | null;
  /** The server cannot reach its store, so that there may be more than it told (A7). It is asked again until it can. */
  readonly stale: boolean;
  readonly error: DashwireError | null;
}

/** Undo and redo of one's own edits. */
export interface UndoState {
  readonly canUndo: boolean;
  readonly canRedo: boolean;
  /** The edit's label. */
  readonly undoLabel: string | null;
  readonly redoLabel: string | null;
}

/** What an undo did: paths that others have changed since are left alone (M13). */
export interface UndoResult {
  readonly outcome: Outcome;
  readonly skipped: readonly Pointer[];
}

export interface EditOptions {
  readonly policy?: Policy;
  /** What the pending list says; made from the op if absent. Kept on this device in plain. */
  readonly label?: string;
  /** False: it is no undo step. */
  readonly undo?: boolean;
  /** Replaces fields that are encrypted and cannot be opened here, instead of refusing with `LOCKED`. */
  readonly overwriteLocked?: boolean;
}

/**
 * Edits that belong together: a drag, or a field while it is open. Its base version is that of `begin` (M2); updates are
 * shown at once and merged into one op, which is sent at `commit`. One undo step.
 */
export interface Gesture {
  updateWidget(widgetId: string, patch: Patch): void;
  updateSettings(patch: Patch): void;
  move(moved: Readonly<Record<string, Move>>, breakpoint?: string): void;
  /** Sends what changed; undefined if nothing did. A gesture that was ended does nothing more. */
  commit(): Operation | undefined;
  /** Takes everything back. */
  cancel(): void;
}

export interface HistoryPage {
  /** Newest first. */
  readonly entries: readonly Entry[];
  /** Give it to `history` as `before` for the next page; null = that was the oldest. */
  readonly before: number | null;
}

export interface NamedVersion {
  readonly version: number;
  readonly name: string;
  readonly by: string | null;
  readonly at: string;
}

/** An open dashboard. All edits are shown at once, kept until the server has them, and never throw for a network's sake. */
export interface Dashboard {
  readonly id: string;
  readonly state: Readable<DashboardState>;
  readonly undoState: Readable<UndoState>;
  /** Everybody here, oneself included, in a stable order. */
  readonly presence: Readable<readonly Presence[]>;
  /** Changes only if this widget does; undefined = it is not there. */
  widget(widgetId: string): Readable<Widget | undefined>;
  /** Ids in the order of the grid (y, x). Changes only if widgets come, go or change places in that order. */
  widgetIds(breakpoint?: string): Readable<readonly string[]>;
  layout(breakpoint?: string): Readable<Layout | undefined>;
  settings: Readable<JsonObject>;
  /** Live value of a widget: with a window, all its points (W1). */
  data(widgetId: string): Readable<WidgetData | undefined>;
  /** Ops and conflicts of one widget, for its outline. */
  pending(widgetId?: string): Readable<readonly PendingOperation[]>;
  conflicts(widgetId?: string): Readable<readonly Conflict[]>;

  /** The id is made if absent. The widget appears at `layout`, or below all others (L5). */
  createWidget(
    widget: Widget,
    options?: EditOptions & { id?: string; layout?: Move },
  ): Operation & { readonly widgetId: string };
  updateWidget(widgetId: string, patch: Patch, options?: EditOptions): Operation;
  deleteWidget(widgetId: string, options?: EditOptions): Operation;
  move(moved: Readonly<Record<string, Move>>, options?: EditOptions & { breakpoint?: string }): Operation;
  updateLayout(
    grid: { columns?: number; compact?: Layout['compact'] },
    options?: EditOptions & { breakpoint?: string; create?: boolean },
  ): Operation;
  updateSettings(patch: Patch, options?: EditOptions): Operation;
  batch(operations: readonly BatchedOp[], options?: EditOptions): Operation;
  restoreLayout(toVersion: number, options?: EditOptions & { breakpoint?: string }): Operation;
  gesture(options?: EditOptions): Gesture;
  /** Null: there was nothing. `rejected` with `NETWORK`: what it takes was not here yet and could not be fetched; the step stays. */
  undo(): Promise<UndoResult | null>;
  redo(): Promise<UndoResult | null>;

  /** One's own presence on this dashboard (W3); sent again after each reconnect. null = only that one is here. */
  setPresence(state: Json): void;
  /** Sends a live value; false = there is no connection, and it is gone. */
  sendData(values: Readonly<Record<string, WidgetData>>): boolean;

  /** Over REST. Rejects with a DashwireError. */
  history(options?: { before?: number; limit?: number; signal?: AbortSignal }): Promise<HistoryPage>;
  versionAt(version: number, options?: { signal?: AbortSignal }): Promise<DashboardDocument>;
  namedVersions(): Readable<readonly NamedVersion[]>;
  nameVersion(version: number, name: string | null): Promise<void>;
  restore(toVersion: number): Promise<void>;
  /** Forget this handle. The subscription ends when the last one is closed and nothing is pending. */
  close(): void;
}

export interface DashboardSummary {
  readonly id: string;
  readonly title?: string;
  readonly epoch: string;
  readonly version: number;
  /** How many there are. */
  readonly widgets: number;
  /** RFC 3339. */
  readonly updated: string;
  readonly role: Role;
  /** When it was deleted, RFC 3339. */
  readonly deleted?: string;
}

/** The dashboards of a server, over REST. Each call rejects with a DashwireError. */
export interface Dashboards {
  list(options?: {
    limit?: number;
    cursor?: string;
    query?: string;
    deleted?: boolean;
    signal?: AbortSignal;
  }): Promise<{
    readonly dashboards: readonly DashboardSummary[];
    readonly cursor: string | null;
  }>;
  get(id: string, options?: { signal?: AbortSignal }): Promise<DashboardDocument>;
  create(options?: { id?: string; title?: string }): Promise<{ readonly id: string }>;
  /** `version`: as it was then; default: as it is. */
  duplicate(id: string, options?: { title?: string; version?: number }): Promise<{ readonly id: string }>;
  delete(id: string): Promise<void>;
  undelete(id: string): Promise<void>;
  /** Takes an export of ours or Grafana's JSON. */
  import(body: string, options?: { id?: string; replace?: boolean }): Promise<ImportResult>;
  export(id: string, format?: 'dashwire' | 'grafana'): Promise<string>;
}

export interface ImportResult {
  readonly id: string;
  readonly title: string;
  readonly drawn: number;
  readonly kept: number;
  readonly notes: readonly string[];
}

export interface ClientEvents {
  'app-message': { readonly name: string; readonly data: Json };
  /** Something from the server that could not be used, or a fault of this client: for a log. */
  problem: DashwireError;
  /** An edit of one's own replaced somebody's value, or the other way round (M6). */
  overwritten: {
    readonly dashboardId: string;
    readonly entryId: string;
    readonly overwrote: AckPayload['overwrote'];
    readonly mine: boolean;
  };
  entry: Entry;
}

export interface DashwireClient {
  readonly connection: Readable<ConnectionStatus>;
  readonly sync: Readable<SyncStatus>;
  /** All that is not settled, oldest first; rejected and conflicted ones too. */
  readonly pending: Readable<readonly PendingOperation[]>;
  readonly conflicts: Readable<readonly Conflict[]>;
  readonly dashboards: Dashboards;
  /** Opens a dashboard; handles of one id share everything. Close each. */
  dashboard(id: string): Dashboard;
  /** Takes the network away and gives it back, as a person's "try it offline" does. */
  setOffline(offline: boolean): void;
  /** Tries to connect now instead of at `retryAt`; after `needs-auth` with a fresh token. */
  reconnect(): void;
  /** Sends a rejected op again as a new one, on the newest version. */
  retry(operationId: string): Operation | undefined;
  /** Drops an op that is not sent, rejected or conflicted; false = it may be applied already. */
  discard(operationId: string): boolean;
  /** Ends a conflict: one choice for all fields, or one for each path (M10). Paths left out are `theirs`. */
  resolve(conflictId: string, choice: FieldChoice | Readonly<Record<Pointer, FieldChoice>>): Operation | undefined;
  /** Resolves true once nothing is pending (conflicts and rejected ones apart), false after `timeoutMs`. */
  waitForSync(options?: { timeoutMs?: number; signal?: AbortSignal }): Promise<boolean>;
  on<E extends keyof ClientEvents>(event: E, listener: (value: ClientEvents[E]) => void): () => void;
  /** Ends the connection, all timers, listeners and locks. What is pending stays on the disk. */
  destroy(): Promise<void>;
}

export interface ClientOptions {
  /** The server, `https://host` or its realtime endpoint `wss://host/api/realtime`; default: where the page came from. */
  readonly url?: string | URL;
  /** Who one is, on a server without sign-in (C1). */
  readonly userId?: string;
  /** Asked before each attempt; null = without. */
  readonly token?: () => string | null | Promise<string | null>;
  /** Default: made once for each tab, and kept over reloads. */
  readonly clientId?: string;
  /** Where pending ops are kept; default: IndexedDB where there is one, else memory. */
  readonly storage?: 'indexeddb' | 'memory';
  /** How long edits of the same thing are gathered into one op, in ms; default 100. */
  readonly draftMs?: number;
  /** Encrypts chosen fields before they leave this page: made by `@dashwire/client/encryption`. */
  readonly encryption?: Sealing;
  /** Connect at once; default true. */
  readonly connect?: boolean;
  /** What the platform gives; for tests and unusual hosts. */
  readonly platform?: Partial<Platform>;
}

/** What the client takes from its surroundings. */
export interface Platform {
  readonly WebSocket: typeof WebSocket | null;
  readonly fetch: typeof fetch;
  readonly indexedDB: IDBFactory | null;
  readonly locks: LockManager | null;
  readonly sessionStorage: Pick<Storage, 'getItem' | 'setItem'> | null;
  /** `online`, `offline`, `pageshow` and `visibilitychange` are heard here; null = none. */
  readonly window: EventTarget | null;
  readonly document: (EventTarget & { readonly visibilityState: string }) | null;
  readonly online: () => boolean;
  /** ms since 1970. */
  readonly now: () => number;
  /** ms, never going back (M6's `age`). */
  readonly monotonic: () => number;
  /** [0, 1). */
  readonly random: () => number;
  readonly newId: () => string;
  readonly setTimeout: (run: () => void, ms: number) => number;
  readonly clearTimeout: (timer: number) => void;
}
