import { withMembers } from './change.ts';
import type { Layout, Move, Rectangle } from './document.ts';
import { member } from './pointer.ts';
import { equalRectangles, movedTo } from './rectangle.ts';

/** One item while a layout is normalised. */
interface Tile {
  readonly id: string;
  readonly x: number;
  /** Columns, excluded. */
  readonly right: number;
  readonly h: number;
  readonly static: boolean;
  y: number;
}

/**
 * The layout as rule L2 makes it: inside its grid, without overlap, and compacted if it is vertical. `moved` holds what a
 * gesture asks for; these items stay ahead of the others, and ids that are no items count for nothing. Whole numbers only.
 * Rectangles that stay keep their identity; a layout that is so already comes back itself (L4).
 */
export function normaliseLayout(layout: Layout, moved: Readonly<Record<string, Move>> = {}): Layout {
  const { items } = layout;
  const columns = Math.max(layout.columns, 1);
  const statics: Tile[] = [];
  const movedStatics: Tile[] = [];
  const asked: Tile[] = [];
  const others: Tile[] = [];
  for (const [id, r] of Object.entries(items)) {
    const move = member(moved, id);
    const tile = clamped(id, move ? movedTo(r, move) : r, columns);
    if (tile.static) (move ? movedStatics : statics).push(tile);
    else (move ? asked : others).push(tile);
  }
  const vertical = layout.compact === 'vertical';
  const fixed = place(place([], statics), movedStatics);
  if (asked.length > 0) {
    // Closes the gaps that the moved ones leave. Their own objects hold where the others now stand.
    const closed = place(fixed, others);
    if (vertical) rise(closed);
  }
  const placed = place(place(fixed, asked), others);
  if (vertical) rise(placed);
  const normal = withMembers<Rectangle>(items, changes(items, placed));
  return normal === items ? layout : { ...layout, items: normal };
}

function* changes(items: Layout['items'], placed: readonly Tile[]): Iterable<[string, Rectangle]> {
  for (const { id, x, y, right, h, static: fixed } of placed) {
    const rectangle = { x, y, w: right - x, h, static: fixed };
    if (!equalRectangles(items[id], rectangle)) yield [id, rectangle];
  }
}

function clamped(id: string, r: Rectangle, columns: number): Tile {
  const w = Math.min(Math.max(r.w, 1), columns);
  const x = Math.min(Math.max(r.x, 0), columns - w);
  return { id, x, right: x + w, y: Math.max(r.y, 0), h: Math.max(r.h, 1), static: r.static };
}

function inOrder(a: Tile, b: Tile): number {
  return a.y - b.y || a.x - b.x || (a.id < b.id ? -1 : 1);
}

/**
 * Puts a group one after another, in the order (y, x, id), each at its own y or at the smallest greater one where it
 * overlaps nothing placed so far. Gives all that is placed. Changes `y` of the group.
 *
 * What is placed is kept sorted by y; as the group comes in that order too, what ends above the next one is dropped.
 */
function place(placed: readonly Tile[], group: readonly Tile[]): Tile[] {
  if (group.length === 0) return [...placed];
  const live = [...placed].sort((a, b) => a.y - b.y);
  const all = [...placed];
  for (const tile of [...group].sort(inOrder)) {
    const top = tile.y;
    let kept = 0;
    let at = 0;
    for (let u = live[0]; u && u.y < tile.y + tile.h; u = live[++at]) {
      const bottom = u.y + u.h;
      if (bottom <= top) continue;
      if (bottom > tile.y && tile.x < u.right && u.x < tile.right) tile.y = bottom;
      live[kept++] = u;
    }
    // Tiles walked over start below the place found if they stand beside it.
    let before = kept;
    while (before > 0 && (live[before - 1]?.y ?? 0) > tile.y) before--;
    live.splice(kept, at - kept);
    live.splice(before, 0, tile);
    all.push(tile);
  }
  return all;
}

/**
 * Lets each tile that is not static go up, in order, until the next row would overlap a static or one that has risen.
 *
 * All that can be above a tile comes before it in that order, so the lowest bottom met in each column is enough to know.
 * Those are kept as a skyline: from `xs[i]` on, up to the next, the rows above `bottoms[i]` are taken.
 */
function rise(placed: Tile[]): void {
  const xs = [0];
  const bottoms = [0];
  for (const tile of placed.sort(inOrder)) {
    const { x, right } = tile;
    let from = 0; // the first step at x or right of it
    for (let end = xs.length; from < end; ) {
      const middle = (from + end) >> 1;
      if ((xs[middle] ?? 0) < x) from = middle + 1;
      else end = middle;
    }
    const begins = xs[from] === x;
    if (!begins) from--;
    let to = from;
    let top = 0;
    for (; to < xs.length && (xs[to] ?? 0) < right; to++) top = Math.max(top, bottoms[to] ?? 0);
    if (!tile.static) tile.y = top;
    const newXs = begins ? [x] : [xs[from] ?? 0, x];
    const newBottoms = begins ? [tile.y + tile.h] : [bottoms[from] ?? 0, tile.y + tile.h];
    if (to === xs.length || (xs[to] ?? 0) > right) {
      newXs.push(right);
      newBottoms.push(bottoms[to - 1] ?? 0);
    }
    xs.splice(from, to - from, ...newXs);
    bottoms.splice(from, to - from, ...newBottoms);
  }
}

/** The first row below all items. */
export function bottomOf(layout: Layout): number {
  let bottom = 0;
  for (const { y, h } of Object.values(layout.items)) bottom = Math.max(bottom, y + h);
  return bottom;
}

/** Where a new widget stands that comes without a place: below all others (L5). */
export function placeNew(layout: Layout): Rectangle {
  return { x: 0, y: bottomOf(layout), w: Math.min(Math.max(layout.columns, 1), 6), h: 4, static: false };
}
