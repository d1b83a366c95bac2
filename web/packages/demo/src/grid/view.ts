import { type Layout, type Rectangle, Store } from '@dashwire/client';
import { createContext, use } from 'react';
import type { TimeRange } from '../tile.ts';
import type { Geometry } from './geometry.ts';
import type { KeyMode } from './keyboard.ts';
import type { Places } from './places.ts';

/** What is going on under the hand: nothing, a drag, or a move by keys. */
export interface GestureState {
  readonly id: string;
  readonly by: 'pointer' | 'keys';
  readonly mode: KeyMode;
  /** Where it would end. */
  readonly rectangle: Rectangle;
}

/** What the tiles of one grid share. The same object for as long as the grid is shown. */
export interface GridView {
  readonly places: Places;
  /** The one tile that Tab reaches; arrow keys take it further. */
  readonly selected: Store<string | null>;
  readonly gesture: Store<GestureState | null>;
  /** The tile whose title is being written. */
  readonly renaming: Store<string | null>;
  /** What is shown: the layout with the gesture in it. */
  readonly shown: Store<Shown | null>;
}

export interface Shown {
  readonly layout: Layout;
  readonly geometry: Geometry;
}

/** How the dashboard is looked at. */
export interface Viewing {
  readonly range: TimeRange;
  readonly kiosk: boolean;
  readonly readOnly: boolean;
  /** One column, in the order of the grid; nothing is dragged. */
  readonly narrow: boolean;
  readonly actions: TileActions;
}

/** What a tile can ask of the page. */
export interface TileActions {
  openSettings(widgetId: string): void;
  openConflicts(widgetId: string): void;
  duplicate(widgetId: string): void;
  /** Pins it, or lets go of it. */
  pin(widgetId: string): void;
  remove(widgetId: string): void;
}

export const GridContext = createContext<{ readonly view: GridView; readonly viewing: Viewing } | null>(null);

export function useGrid(): { readonly view: GridView; readonly viewing: Viewing } {
  const grid = use(GridContext);
  if (grid === null) throw new Error('A tile is shown inside of a grid.');
  return grid;
}

export function newGridStores(): Omit<GridView, 'places'> {
  return {
    selected: new Store<string | null>(null),
    gesture: new Store<GestureState | null>(null),
    renaming: new Store<string | null>(null),
    shown: new Store<Shown | null>(null),
  };
}
