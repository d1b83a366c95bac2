import type { Layout, Move, Rectangle } from './document.ts';

/** What a breakpoint begins as (E7). */
export const emptyLayout: Layout = { columns: 24, compact: 'vertical', items: {} };

/** A rectangle after a move: what is absent stays (L1). Not normalised. */
export function movedTo(
  r: Rectangle,
  { x = r.x, y = r.y, w = r.w, h = r.h, static: fixed = r.static }: Move,
): Rectangle {
  return { x, y, w, h, static: fixed };
}

export function equalRectangles(a: Rectangle | undefined, b: Rectangle): boolean {
  return a !== undefined && a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h && a.static === b.static;
}
