import type { Layout, Move } from '@dashwire/client';

/** How far down is looked for a gap, in cells. */
const deepest = 2000;

/**
 * Where a new tile of a size goes: the uppermost gap that it fits in, the leftmost of these, else below all others. The size is
 * meant for 24 columns and cut to the grid. undefined = the grid is not known, the server decides (L5).
 */
export function placeFor(
  layout: Layout | undefined,
  size: { readonly w: number; readonly h: number },
): Move | undefined {
  if (!layout) return undefined;
  const { columns } = layout;
  const w = Math.max(1, Math.min(columns, Math.round((size.w * columns) / 24)));
  const { h } = size;
  const items = Object.values(layout.items);
  const bottom = items.reduce((most, item) => Math.max(most, item.y + item.h), 0);
  for (let y = 0; y < Math.min(bottom, deepest); y++) {
    let x = 0;
    while (x + w <= columns) {
      const inTheWay = items.find((i) => i.x < x + w && x < i.x + i.w && i.y < y + h && y < i.y + i.h);
      if (!inTheWay) return { x, y, w, h };
      x = inTheWay.x + inTheWay.w;
    }
  }
  return { x: 0, y: bottom, w, h };
}
