import type { Json, WidgetData } from '@dashwire/client';
import type { ComponentType } from 'react';
import type { TileKind, TileProps } from '../tile.ts';
import type { Config } from './config.ts';

/** What draws a widget: the tile's own, and a value from wherever it comes. */
export interface DrawingProps extends TileProps {
  readonly config: Config;
  /** undefined = none has come. Kinds that have no values do not look at it. */
  readonly value: WidgetData | undefined;
  /** Charts that have the same one share their crosshair; null = this one is alone. */
  readonly sync: string | null;
}

/** A kind as it is drawn, without the tile around it. */
export interface Kind extends Omit<TileKind, 'Body' | 'Settings'> {
  readonly Drawing: ComponentType<DrawingProps>;
  /** What is sent to it: the body of a PUT. null = it takes no values. */
  readonly example: Example | null;
  /** A value for the gallery, as of a moment in ms since 1970. */
  readonly sample?: (now: number) => WidgetData;
  /** What of the shape it has while there is nothing to draw. */
  readonly skeleton: 'lines' | 'number' | 'arc' | 'bars' | 'rows' | 'none';
}

/** Stands in an example for the time of sending, in ms since 1970. */
export const now = '@now';

export interface Example {
  readonly data: Json;
  readonly mode?: 'append';
  readonly window?: number;
}
