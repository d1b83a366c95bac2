import type { Move, Patch, Pointer } from './document.ts';
import type { Json, JsonObject } from './json.ts';

/** What a clash does to an op (M6). */
export type Policy = 'auto' | 'ask' | 'reject' | 'overwrite' | 'skip';

/** Fields that every op may have. `dashboardId`, ids and versions are added by the client. */
export interface OpFields {
  readonly baseVersion?: number;
  readonly epoch?: string;
  readonly policy?: Policy;
  /** Pointer → the value seen there (M3, M12, M13). */
  readonly prev?: Readonly<Record<Pointer, Json>>;
  /** The client of the same user that made the op, if another one sends it (M8). */
  readonly clientId?: string;
}

export interface WidgetUpdate extends OpFields, Patch {
  readonly type: 'WIDGET_UPDATE';
  readonly widgetId: string;
  /** RFC 7396, instead of `set` and `unset`. */
  readonly changes?: JsonObject;
  /** A rectangle, or the part of one that changes, in `main`. */
  readonly layout?: Move;
  readonly create?: boolean;
  readonly restore?: boolean;
}

export interface WidgetDelete extends OpFields {
  readonly type: 'WIDGET_DELETE';
  readonly widgetId: string;
}

export interface LayoutUpdate extends OpFields {
  readonly type: 'LAYOUT_UPDATE';
  /** Default: `main`. */
  readonly breakpoint?: string;
  readonly moved?: Readonly<Record<string, Move>>;
  readonly columns?: number;
  readonly compact?: 'vertical' | 'none';
  readonly create?: boolean;
}

export interface LayoutRestore extends OpFields {
  readonly type: 'LAYOUT_RESTORE';
  readonly breakpoint?: string;
  readonly toVersion: number;
}

export interface DashboardUpdate extends OpFields, Patch {
  readonly type: 'DASHBOARD_UPDATE';
  readonly changes?: JsonObject;
}

export interface ConflictResolved extends OpFields, Patch {
  readonly type: 'CONFLICT_RESOLVED';
  readonly conflictId: string;
  readonly widgetId?: string;
  readonly choice: 'mine' | 'theirs' | 'value';
  readonly restore?: boolean;
}

/** Several operations as one, in order, each on the result of the one before (M11). */
export interface WidgetBatch extends OpFields {
  readonly type: 'WIDGET_BATCH';
  readonly operations: readonly BatchedOp[];
  /** Default: true. */
  readonly atomic?: boolean;
}

export type BatchedOp = WidgetUpdate | WidgetDelete | LayoutUpdate | DashboardUpdate;
export type Op = BatchedOp | LayoutRestore | ConflictResolved | WidgetBatch;
export type OpType = Op['type'];
