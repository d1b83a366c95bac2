import type { DashboardDocument, Rectangle } from '@dashwire/client';
import { kindOf } from '../tiles/kinds.ts';

/** How a tile is hinted at in a miniature; `other` for what is only kept. */
export type Shape = 'lines' | 'number' | 'arc' | 'bars' | 'rows' | 'words' | 'section' | 'other';

/** A dashboard from afar: where its tiles stand, and of what kind they are. */
export interface Miniature {
  readonly columns: number;
  readonly rows: number;
  readonly tiles: readonly (Pick<Rectangle, 'x' | 'y' | 'w' | 'h'> & { readonly shape: Shape })[];
}

/** More rows than these are cut off: a card shows how a dashboard begins. */
const mostRows = 26;
const mostTiles = 60;

const shapes: Readonly<Record<string, Shape>> = {
  timeseries: 'lines',
  stat: 'number',
  gauge: 'arc',
  bargauge: 'bars',
  table: 'rows',
  text: 'words',
  row: 'section',
};

/** Draws a document from afar. What comes back is small, however large the document is. */
export function miniatureOf(document: Pick<DashboardDocument, 'widgets' | 'layouts'>): Miniature {
  const layout = document.layouts.main;
  if (layout === undefined) return { columns: 24, rows: 0, tiles: [] };
  const tiles = Object.entries(layout.items)
    .filter(([, { y }]) => y < mostRows)
    .sort(([, a], [, b]) => a.y - b.y || a.x - b.x)
    .slice(0, mostTiles)
    .map(([id, { x, y, w, h }]) => ({
      x,
      y,
      w,
      h: Math.min(h, mostRows - y),
      shape: shapes[kindOf(document.widgets[id]?.type).type] ?? ('other' as const),
    }));
  const rows = tiles.reduce((most, { y, h }) => Math.max(most, y + h), 0);
  return { columns: layout.columns, rows, tiles };
}
