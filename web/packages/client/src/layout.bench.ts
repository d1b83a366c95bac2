import { describe, it } from 'vitest';
import type { Layout, Move, Rectangle } from './document.ts';
import { normaliseLayout } from './layout.ts';

function crowd(n: number, compact: Layout['compact'], at: (i: number) => Partial<Rectangle>): Layout {
  const items = Array.from({ length: n }, (_, i): [string, Rectangle] => [
    `w${i}`,
    { x: 0, y: 0, w: 6, h: 4, static: false, ...at(i) },
  ]);
  return { columns: 24, compact, items: Object.fromEntries(items) };
}

const grid = (i: number) => ({ x: (i % 4) * 6, y: Math.floor(i / 4) * 4 });

// What a drag costs at each cell that it comes to. A frame has 16 ms, and most of them are not ours.
describe.each([1_000, 2_000])('L2 of %d items', (n) => {
  const usual = normaliseLayout(crowd(n, 'vertical', grid));
  const everyOther = Object.fromEntries(Object.keys(usual.items).flatMap((id, i) => (i % 2 ? [] : [[id, {}]])));
  const cases: readonly (readonly [string, Layout, Record<string, Move>])[] = [
    ['one is dragged', usual, { w7: { x: 3, y: 9 } }],
    ['one is dragged, not compacted', crowd(n, 'none', grid), { w7: { x: 3, y: 9 } }],
    ['one is dragged to where it was', usual, { w7: {} }],
    ['all in one place, half of them moved', crowd(n, 'vertical', () => ({ w: 24, h: 1000 })), everyOther],
  ];
  it.for(cases)('%s', async ([name, layout, moved], { bench }) => {
    await bench(name, () => {
      normaliseLayout(layout, moved);
    }).run();
  });
});
