import type { Widget } from '@dashwire/client';
import type { ComponentType } from 'react';

/** The stretch of time that all charts of a dashboard show. */
export interface TimeRange {
  /** How much is shown, in ms. */
  readonly ms: number;
  /** The right edge, in ms since 1970 by the server's clock; asked anew for each drawing. A frozen range gives the same again. */
  readonly end: () => number;
  /** True: the edge stands still, as in a version of the past. */
  readonly frozen: boolean;
}

/** What a tile's body is given. It fills its box, scrolls inside it, and follows live values by `useWidgetData`. */
export interface TileProps {
  readonly widgetId: string;
  readonly widget: Widget;
  readonly range: TimeRange;
  /** On a wall: large type, nothing to click. */
  readonly kiosk: boolean;
  /** Looking only: a viewer, or a version of the past. */
  readonly readOnly: boolean;
}

/** One kind of widget, by its `type`. */
export interface TileKind {
  readonly type: string;
  /** For people: `Time series`. */
  readonly name: string;
  /** What it is good for, in one sentence. */
  readonly description: string;
  readonly icon: ComponentType<{ readonly size?: number }>;
  /** In cells of a grid of 24 columns. */
  readonly defaultSize: { readonly w: number; readonly h: number };
  /** A new one, with a title and a config that draws something at once. */
  create(): Widget;
  readonly Body: ComponentType<TileProps>;
  /** What the settings sheet shows for it; absent = only what every widget has. */
  readonly Settings?: ComponentType<TileProps>;
}
