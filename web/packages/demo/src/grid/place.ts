import { type Layout, type Move, normaliseLayout, type Rectangle } from '@dashwire/client';

/** A gesture's outcome: what to show, and what to send. */
export interface Placed {
  readonly layout: Layout;
  /** The place that the tile takes (L1): what is sent, cut down to what the gesture changed. */
  readonly move: Move;
  readonly rectangle: Rectangle;
}

/**
 * The layout after a tile was asked to go somewhere, just as the server will decide it (L2) once it is told the place that the
 * tile ends up at. undefined = there is no such tile.
 */
export function placed(layout: Layout, id: string, asked: Move): Placed | undefined {
  const first = normaliseLayout(layout, { [id]: asked }).items[id];
  if (first === undefined) return undefined;
  const move: Move = 'w' in asked || 'h' in asked ? { w: first.w, h: first.h } : { x: first.x, y: first.y };
  const shown = normaliseLayout(layout, { [id]: move });
  const rectangle = shown.items[id];
  return rectangle === undefined ? undefined : { layout: shown, move, rectangle };
}

/** What of a move says something new, or undefined if nothing does. */
export function changed(from: Rectangle, move: Move): Move | undefined {
  const entries = (Object.keys(move) as (keyof Move)[]).filter((key) => move[key] !== from[key]);
  return entries.length === 0 ? undefined : move;
}
