import type { Layout, Move, Rectangle } from '@dashwire/client';

export type Direction = 'left' | 'right' | 'up' | 'down';
export type KeyMode = 'move' | 'resize';

const directions: Readonly<Record<string, Direction>> = {
  ArrowLeft: 'left',
  ArrowRight: 'right',
  ArrowUp: 'up',
  ArrowDown: 'down',
};

export function directionOf(key: string): Direction | undefined {
  return Object.hasOwn(directions, key) ? directions[key] : undefined;
}

/** The tile that the eye would go to next: beside the current one before across, near before far. undefined = the edge. */
export function neighbour(layout: Layout, from: string, direction: Direction): string | undefined {
  const current = layout.items[from];
  if (current === undefined) return undefined;
  let best: string | undefined;
  let least = Number.POSITIVE_INFINITY;
  for (const [id, item] of Object.entries(layout.items)) {
    const [ahead, aside, tie] = distance(current, item, direction);
    if (id === from || ahead < 0) continue;
    const cost = ahead + 4 * aside + tie / 1000;
    if (cost < least) [best, least] = [id, cost];
  }
  return best;
}

/** Cells between the two along the way (below 0 = not that way), across it, and between their near corners. */
function distance(
  a: Rectangle,
  b: Rectangle,
  direction: Direction,
): readonly [ahead: number, aside: number, tie: number] {
  const across = Math.max(b.y - (a.y + a.h - 1), a.y - (b.y + b.h - 1), 0);
  const along = Math.max(b.x - (a.x + a.w - 1), a.x - (b.x + b.w - 1), 0);
  switch (direction) {
    case 'left':
      return [a.x - (b.x + b.w), across, Math.abs(a.y - b.y)];
    case 'right':
      return [b.x - (a.x + a.w), across, Math.abs(a.y - b.y)];
    case 'up':
      return [a.y - (b.y + b.h), along, Math.abs(a.x - b.x)];
    case 'down':
      return [b.y - (a.y + a.h), along, Math.abs(a.x - b.x)];
  }
}

/** How far a key looks for a place that is another one, in cells. */
const reach = 64;

/**
 * What one arrow key asks of a tile: the nearest move or size that changes where it then is. Where tiles rise (L2), one cell
 * down changes nothing until there is room for the tile below, so it goes as far as that takes. undefined = it cannot.
 *
 * `settle` gives the layout as the rule makes it; `shown` is where the tile is now.
 */
export function nudge(
  shown: Rectangle,
  mode: KeyMode,
  direction: Direction,
  columns: number,
  settle: (move: Move) => Rectangle | undefined,
): Move | undefined {
  const sign = direction === 'left' || direction === 'up' ? -1 : 1;
  const sideways = direction === 'left' || direction === 'right';
  for (let by = 1; by <= reach; by++) {
    const move = ask(shown, mode, sideways, sign * by);
    if ((move.x ?? 0) < 0 || (move.y ?? 0) < 0 || (move.w ?? 1) < 1 || (move.h ?? 1) < 1) return undefined;
    if ((move.x ?? shown.x) + (move.w ?? shown.w) > columns) return undefined;
    const place = settle(move);
    if (place === undefined) return undefined;
    if (place.x !== shown.x || place.y !== shown.y || place.w !== shown.w || place.h !== shown.h) return move;
  }
  return undefined;
}

function ask(shown: Rectangle, mode: KeyMode, sideways: boolean, by: number): Move {
  if (mode === 'resize') return sideways ? { w: shown.w + by, h: shown.h } : { w: shown.w, h: shown.h + by };
  return sideways ? { x: shown.x + by, y: shown.y } : { x: shown.x, y: shown.y + by };
}

/** A place in words: `column 1, row 9, 6 wide, 4 high`. */
export function placeInWords({ x, y, w, h }: Rectangle): string {
  return `column ${x + 1}, row ${y + 1}, ${w} wide, ${h} high`;
}
