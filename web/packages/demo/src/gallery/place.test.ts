import type { Layout, Rectangle } from '@dashwire/client';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { placeFor } from './place.ts';

const at = (x: number, y: number, w: number, h: number): Rectangle => ({ x, y, w, h, static: false });
const layout = (items: Record<string, Rectangle>, columns = 24): Layout => ({ columns, compact: 'vertical', items });

test('an empty grid takes it at the top', () => {
  expect(placeFor(layout({}), { w: 9, h: 8 })).toEqual({ x: 0, y: 0, w: 9, h: 8 });
});

test('the uppermost gap, the leftmost of these', () => {
  const items = { a: at(0, 0, 9, 8), b: at(15, 0, 9, 8), c: at(0, 8, 12, 4) };
  expect(placeFor(layout(items), { w: 6, h: 8 })).toEqual({ x: 9, y: 0, w: 6, h: 8 });
  expect(placeFor(layout(items), { w: 7, h: 4 })).toEqual({ x: 12, y: 8, w: 7, h: 4 });
  expect(placeFor(layout(items), { w: 24, h: 1 })).toEqual({ x: 0, y: 12, w: 24, h: 1 });
});

test('the size is meant for 24 columns', () => {
  expect(placeFor(layout({}, 12), { w: 9, h: 8 })).toEqual({ x: 0, y: 0, w: 5, h: 8 });
  expect(placeFor(layout({}, 1), { w: 9, h: 8 })).toEqual({ x: 0, y: 0, w: 1, h: 8 });
  expect(placeFor(undefined, { w: 9, h: 8 })).toBeUndefined();
});

test('L2 it never overlaps another, and stays within the grid', () => {
  const n = (min: number, max: number) => fc.integer({ min, max });
  const item = fc.tuple(n(0, 20), n(0, 20), n(1, 8), n(1, 8)).map(([x, y, w, h]) => at(Math.min(x, 24 - w), y, w, h));
  fc.assert(
    fc.property(fc.array(item, { maxLength: 12 }), n(1, 24), n(1, 10), (all, w, h) => {
      const place = placeFor(layout(Object.fromEntries(all.map((r, i) => [`i${i}`, r]))), { w, h }) as Rectangle;
      expect(place.x + place.w).toBeLessThanOrEqual(24);
      for (const r of all) {
        const apart = place.x >= r.x + r.w || r.x >= place.x + w || place.y >= r.y + r.h || r.y >= place.y + h;
        expect(apart).toBe(true);
      }
    }),
  );
});
