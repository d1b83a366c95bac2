import type { Change, DashboardDocument, Pointer } from './document.ts';
import type { Json } from './json.ts';
import type { OpType } from './operation.ts';

/** What the server tells about itself and the session (CONNECT). */
export interface Welcome {
  readonly sessionId: string;
  readonly clientId: string | null;
  readonly userId: string | null;
  readonly protocol: number;
  readonly serverTime: string;
  readonly heartbeat: { readonly intervalMs: number; readonly timeoutMs: number };
  readonly reconnect: { readonly minMs: number; readonly maxMs: number };
  readonly limits: Limits;
  readonly authRequired: boolean;
}

/** The limits of the server (D5). */
export interface Limits {
  readonly messageBytes: number;
  readonly documentBytes: number;
  readonly widgets: number;
  readonly operations: number;
  readonly dashboards: number;
  /** That one op names, or all operations of a batch together; a server of before this limit does not tell. */
  readonly paths?: number;
}

export type Role = 'viewer' | 'feeder' | 'editor' | 'owner';

export interface Author {
  readonly userId: string | null;
  readonly clientId: string | null;
}

/** One person's or program's session on a dashboard (W3). */
export interface Presence {
  readonly sessionId: string;
  readonly clientId: string;
  readonly userId: string;
  /** By convention `{name, color, widgetId, mode, cursor}`; anything may stand here. */
  readonly state: Json;
}

/** Newest live value of a widget, or its window of points (W1). */
export interface WidgetData {
  readonly data: Json;
  readonly mode: 'replace' | 'append';
  /** How many points are kept; 1 to 1,000. */
  readonly window?: number;
}

/** A lost value of an overwrite (M6). */
export interface Overwritten {
  readonly widgetId?: string;
  readonly path: Pointer;
  readonly author: Author;
  readonly version: number;
  readonly value?: Json;
  readonly omitted?: boolean;
}

/** One committed op (E7). */
export interface Entry {
  readonly type: OpType | 'DASHBOARD_DELETE';
  readonly id: string;
  /** RFC 3339, the server's clock at the commit. */
  readonly timestamp: string;
  readonly dashboardId: string;
  readonly epoch: string;
  readonly version: number;
  readonly author: Author;
  readonly change: Change;
  readonly overwrote?: readonly Overwritten[];
  readonly blind?: boolean;
}

export interface ConflictField {
  readonly path: Pointer;
  readonly base?: Json;
  readonly mine?: Json;
  readonly theirs?: Json;
  readonly theirsBy: Author;
  readonly theirsVersion: number;
}

export interface ConflictPayload {
  readonly conflictId: string;
  readonly dashboardId: string;
  readonly widgetId?: string;
  readonly kind: 'field' | 'deleted' | 'changed';
  readonly fields: readonly ConflictField[];
  readonly version: number;
}

export interface PartResult {
  readonly status: string;
  readonly code?: string;
  readonly message?: string;
  readonly path?: string;
  readonly conflict?: ConflictPayload;
}

export interface AckPayload {
  readonly dashboardId: string;
  readonly epoch: string;
  readonly version: number;
  /** True if this answer stands for its version in the stream (R2). */
  readonly inStream: boolean;
  readonly status: 'applied' | 'merged' | 'unchanged';
  readonly durability: 'disk' | 'quorum' | 'memory';
  readonly change?: Change;
  readonly overwrote?: readonly Overwritten[];
  readonly skipped?: readonly Pointer[];
  readonly ignored?: readonly string[];
  readonly results?: readonly PartResult[];
}

export interface NackPayload {
  readonly code: string;
  readonly message: string;
  readonly retryable: boolean;
  readonly retryAfterMs?: number;
  readonly path?: string;
  readonly current?: Json;
  readonly results?: readonly PartResult[];
}

export interface SyncResponse {
  readonly dashboardId: string;
  readonly mode: 'snapshot' | 'delta' | 'none';
  readonly epoch: string;
  readonly version: number;
  readonly horizon: number;
  readonly role: Role;
  readonly document?: DashboardDocument;
  readonly entries?: readonly Entry[];
  readonly part?: number;
  readonly parts?: number;
  readonly rewound?: boolean;
  /** The server read it from memory, as it cannot reach its store: there may be more (A7). */
  readonly stale?: boolean;
  readonly presence: readonly Presence[];
  readonly count?: number;
  readonly data: Readonly<Record<string, WidgetData>>;
}

/** A message of the server, decoded and checked: what has this type can be used without looking again. */
export type ServerMessage =
  | { readonly kind: 'connect'; readonly correlationId?: string; readonly welcome: Welcome }
  /** The server's CONNECT, in a protocol that this client does not speak. */
  | { readonly kind: 'incompatible'; readonly protocol: number }
  | {
      readonly kind: 'disconnect';
      readonly code: number;
      readonly reason: string;
      /** The window in which to come back, in ms; null = coming back is no use. */
      readonly afterMs: readonly [number, number] | null;
    }
  | { readonly kind: 'ping'; readonly id?: string }
  | { readonly kind: 'pong'; readonly correlationId?: string }
  | { readonly kind: 'sync-response'; readonly correlationId?: string; readonly response: SyncResponse }
  | {
      readonly kind: 'sync-update';
      readonly dashboardId: string;
      readonly epoch: string;
      readonly from: number;
      readonly version: number;
      readonly change: Change;
    }
  | { readonly kind: 'closed'; readonly dashboardId: string; readonly closed: 'deleted' | 'forbidden' }
  | { readonly kind: 'role'; readonly dashboardId: string; readonly role: Role }
  | { readonly kind: 'entry'; readonly entry: Entry }
  /** They came together (R10), each as if it had come alone. */
  | { readonly kind: 'entries'; readonly entries: readonly ServerMessage[] }
  | { readonly kind: 'ack'; readonly correlationId: string; readonly ack: AckPayload }
  | { readonly kind: 'nack'; readonly correlationId?: string; readonly nack: NackPayload }
  | { readonly kind: 'conflict'; readonly correlationId: string; readonly conflict: ConflictPayload }
  | {
      readonly kind: 'presence';
      readonly dashboardId: string;
      readonly joined: readonly Presence[];
      readonly changed: readonly Presence[];
      readonly left: readonly string[];
      readonly count: number;
    }
  | {
      readonly kind: 'data';
      readonly dashboardId: string;
      readonly values: Readonly<Record<string, WidgetData>>;
    }
  | { readonly kind: 'app-message'; readonly name: string; readonly data: Json }
  /** A type that this client does not know, or a message that is not what its type says: reported, else ignored. */
  | { readonly kind: 'unknown'; readonly problem: string };

/** A message of the client. `id` and `type` are written first (E5). */
export interface ClientMessage {
  readonly type: string;
  readonly id: string;
  /** Milliseconds from the edit to this sending (M6). */
  readonly age?: number;
  readonly payload: object;
}
