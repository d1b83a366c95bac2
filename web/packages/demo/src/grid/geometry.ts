import type { Layout, Rectangle } from '@dashwire/client';

/** How cells become pixels. */
export interface Geometry {
  readonly columns: number;
  /** Of the whole grid, in px. */
  readonly width: number;
  /** Of one row, in px. */
  readonly rowHeight: number;
  /** Between two cells, in px. */
  readonly gap: number;
  /** One column in the order of the page: only heights count. */
  readonly flow: boolean;
}

export interface Box {
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

type Cells = Pick<Rectangle, 'x' | 'y' | 'w' | 'h'>;

/** Width of one column without its gap. */
export function columnWidth({ width, columns, gap }: Geometry): number {
  return Math.max((width - gap * (columns - 1)) / columns, 1);
}

export function boxOf({ x, y, w, h }: Cells, geometry: Geometry): Box {
  const column = columnWidth(geometry) + geometry.gap;
  const row = geometry.rowHeight + geometry.gap;
  // Whole pixels: edges that meet in cells meet on the screen.
  const left = Math.round(x * column);
  return {
    left,
    top: y * row,
    width: Math.round((x + w) * column - geometry.gap) - left,
    height: h * row - geometry.gap,
  };
}

/** The cell that a box with this corner would snap to; not yet inside of the grid. */
export function cellAt(left: number, top: number, geometry: Geometry): { x: number; y: number } {
  const x = Math.round(left / (columnWidth(geometry) + geometry.gap));
  return { x, y: Math.round(top / (geometry.rowHeight + geometry.gap)) };
}

/** How many cells a box of this size would snap to; at least one each way. */
export function cellsFor(width: number, height: number, geometry: Geometry): { w: number; h: number } {
  const { gap, rowHeight } = geometry;
  const w = Math.round((width + gap) / (columnWidth(geometry) + gap));
  return { w: Math.max(w, 1), h: Math.max(Math.round((height + gap) / (rowHeight + gap)), 1) };
}

/** How many rows the layout has. */
export function rowsOf(layout: Layout): number {
  let rows = 0;
  for (const { y, h } of Object.values(layout.items)) rows = Math.max(rows, y + h);
  return rows;
}

/** In px, without a gap below. */
export function heightOf(rows: number, { rowHeight, gap }: Geometry): number {
  return Math.max(rows * (rowHeight + gap) - gap, 0);
}

/** The height of a row with which so many rows fill `height` px; never so low that a tile cannot be read. */
export function rowHeightToFill(rows: number, height: number, gap: number): number {
  return rows === 0 ? 24 : Math.max(Math.floor((height + gap) / rows - gap), 10);
}
