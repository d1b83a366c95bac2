import type { Json, JsonObject } from './json.ts';

/** A JSON Pointer (RFC 6901), relative to a widget or to the settings: `/config/unit`. */
export type Pointer = string;

/** Where a widget stands, in cells of its grid (L2). */
export interface Rectangle {
  readonly x: number;
  readonly y: number;
  readonly w: number;
  readonly h: number;
  readonly static: boolean;
}

/** The grid of one breakpoint. */
export interface Layout {
  /** 1 or more. */
  readonly columns: number;
  /** `vertical`: items rise until they touch something; `none`: they stay where they are put. */
  readonly compact: 'vertical' | 'none';
  readonly items: Readonly<Record<string, Rectangle>>;
}

/** A widget is any object; by convention it has `type`, `title` and `config`. */
export type Widget = JsonObject;

/** One dashboard as of one version (D1). Unchanged parts keep their identity from version to version. */
export interface DashboardDocument {
  readonly id: string;
  /** `""` before the first entry (R6). */
  readonly epoch: string;
  readonly version: number;
  readonly settings: JsonObject;
  readonly widgets: Readonly<Record<string, Widget>>;
  /** By breakpoint; `main` is always there. */
  readonly layouts: Readonly<Record<string, Layout>>;
}

/** What became of settings or of a widget: pointers to new values, and pointers that are gone (E6). */
export interface Patch {
  readonly set?: Readonly<Record<Pointer, Json>>;
  readonly unset?: readonly Pointer[];
}

/** The effect of one entry, or of a range of entries (E7). */
export interface Change {
  readonly settings?: Patch;
  /** `value`: created or replaced whole; `null`: deleted. */
  readonly widgets?: Readonly<Record<string, Patch | { readonly value: Widget } | null>>;
  readonly layouts?: Readonly<Record<string, LayoutChange | null>>;
}

export interface LayoutChange {
  readonly columns?: number;
  readonly compact?: Layout['compact'];
  readonly items?: Readonly<Record<string, Rectangle | null>>;
}

/** The part of a rectangle that a gesture changed (L1). */
export type Move = Partial<Rectangle>;
