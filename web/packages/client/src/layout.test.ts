import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import vectors from '../../../../testdata/layout.json' with { type: 'json' };
import type { Layout, Move, Rectangle } from './document.ts';
import { bottomOf, normaliseLayout, placeNew } from './layout.ts';
import { movedTo } from './rectangle.ts';

type Numbers = readonly (number | boolean)[];

function layoutOf(columns: number, compact: string | undefined, items: object): Layout {
  const rectangle = ([x, y, w, h, fixed = false]: Numbers) => ({ x, y, w, h, static: fixed }) as Rectangle;
  return {
    columns,
    compact: (compact ?? 'vertical') as Layout['compact'],
    items: Object.fromEntries(Object.entries(items).map(([id, r]) => [id, rectangle(r as Numbers)])),
  };
}

/** L4, and that nothing is copied which stays. */
function expectNormal(layout: Layout) {
  const all = Object.entries(layout.items);
  for (const [id, r] of all) {
    expect([id, r.x >= 0, r.y >= 0, r.w >= 1, r.h >= 1, r.x + r.w <= Math.max(layout.columns, 1)]).not.toContain(false);
    for (const [other, s] of all) {
      const overlap = r.x < s.x + s.w && s.x < r.x + r.w && r.y < s.y + s.h && s.y < r.y + r.h;
      expect(id < other && overlap, `${id} and ${other} overlap`).toBe(false);
    }
  }
  expect(normaliseLayout(layout)).toBe(layout);
}

const rectangles = fc.record({
  x: fc.integer({ min: -2, max: 14 }),
  y: fc.integer({ min: -2, max: 16 }),
  w: fc.integer({ min: 0, max: 8 }),
  h: fc.integer({ min: 0, max: 6 }),
  static: fc.integer({ max: 4, min: 0 }).map((n) => n === 0),
});
const moves: fc.Arbitrary<Move> = fc.record(
  { x: fc.integer({ min: -2, max: 14 }), y: fc.integer({ min: -2, max: 16 }), w: fc.integer({ min: 0, max: 8 }) },
  { requiredKeys: [] },
);
const ids = fc.integer({ min: 0, max: 13 }).map((n) => `w${n}`);
const layouts: fc.Arbitrary<Layout> = fc.record({
  columns: fc.integer({ min: 1, max: 12 }),
  compact: fc.constantFrom('vertical', 'none'),
  items: fc.dictionary(ids, rectangles, { maxKeys: 14, noNullPrototype: true }),
});

type Block = Rectangle & { id: string };

/** L2 word for word, row by row. */
function byTheBook({ columns, compact, items }: Layout, moved: Readonly<Record<string, Move>>): Layout['items'] {
  const clamp = (id: string, r: Rectangle): Block => {
    const w = Math.min(Math.max(r.w, 1), columns);
    const x = Math.min(Math.max(r.x, 0), columns - w);
    return { id, x, y: Math.max(r.y, 0), w, h: Math.max(r.h, 1), static: r.static };
  };
  const all = Object.entries(items).map(([id, r]) => clamp(id, movedTo(r, moved[id] ?? {})));
  const pick = (from: Block[], want: (b: Block) => boolean) =>
    from.filter(want).sort((a, b) => a.y - b.y || a.x - b.x || (a.id < b.id ? -1 : 1));
  const meets = (b: Block, done: Block[]) =>
    done.some((u) => b.x < u.x + u.w && u.x < b.x + b.w && b.y < u.y + u.h && u.y < b.y + b.h);
  const place = (done: Block[], blocks: Block[]) => {
    const placed = [...done];
    for (let b of blocks) {
      while (meets(b, placed)) b = { ...b, y: b.y + 1 };
      placed.push(b);
    }
    return placed;
  };
  const rise = (blocks: Block[]) => {
    const done = pick(blocks, (b) => b.static);
    for (let b of pick(blocks, (b) => !b.static)) {
      while (b.y > 0 && !meets({ ...b, y: b.y - 1 }, done)) b = { ...b, y: b.y - 1 };
      done.push(b);
    }
    return done;
  };
  const isMoved = (b: Block) => Object.hasOwn(moved, b.id);
  const still = pick(all, (b) => b.static && !isMoved(b));
  const statics = place(
    place([], still),
    pick(all, (b) => b.static && isMoved(b)),
  );
  let closed = place(
    statics,
    pick(all, (b) => !b.static && !isMoved(b)),
  );
  if (compact === 'vertical') closed = rise(closed);
  let placed = place(
    statics,
    pick(all, (b) => !b.static && isMoved(b)),
  );
  placed = place(
    placed,
    pick(closed, (b) => !b.static),
  );
  if (compact === 'vertical') placed = rise(placed);
  return Object.fromEntries(placed.map(({ id, ...r }) => [id, r]));
}

describe('normaliseLayout', () => {
  it.each(vectors.normalise)('L2 $description', (v) => {
    let layout = layoutOf(v.columns, 'compact' in v ? v.compact : undefined, v.items);
    for (const step of v.steps as { moved?: Record<string, Move>; items: object }[]) {
      layout = normaliseLayout(layout, step.moved);
      expect(layout.items).toEqual(layoutOf(1, undefined, step.items).items);
      expectNormal(layout);
    }
  });

  it('L2 is what the rule says', () => {
    fc.assert(
      fc.property(layouts, fc.dictionary(ids, moves, { maxKeys: 6, noNullPrototype: true }), (layout, moved) => {
        expect(normaliseLayout(layout, moved).items).toEqual(byTheBook(layout, moved));
      }),
      { numRuns: 400 },
    );
  });

  it('L4 leaves no overlap and nothing outside, after any sequence of moves', () => {
    const sequence = fc.array(fc.dictionary(ids, moves, { maxKeys: 4, noNullPrototype: true }), { maxLength: 4 });
    fc.assert(
      fc.property(layouts, sequence, (start, steps) => {
        let layout = normaliseLayout(start);
        expectNormal(layout);
        for (const moved of steps) {
          const before = layout;
          layout = normaliseLayout(layout, moved);
          expectNormal(layout);
          for (const [id, r] of Object.entries(layout.items)) {
            const was = before.items[id];
            if (JSON.stringify(was) === JSON.stringify(r)) expect(r).toBe(was);
          }
        }
      }),
    );
  });

  it('L4 gives a normal layout back itself, also where a move comes to nothing', () => {
    const layout = layoutOf(12, 'vertical', { A: [0, 0, 6, 4], B: [6, 0, 6, 4] });
    expect(normaliseLayout(layout, { A: { y: 3 }, gone: { x: 1 } })).toBe(layout);
    expect(normaliseLayout(layout, { A: { y: undefined, x: 0 } })).toBe(layout);
  });

  it('L2 takes ids that are names of Object.prototype', () => {
    const layout = layoutOf(12, 'vertical', { toString: [0, 4, 6, 4], valueOf: [0, 0, 6, 4] });
    expect(normaliseLayout(layout, {})).toBe(layout);
  });
});

describe('placeNew', () => {
  it.each(vectors.added)('L5 $description', (v) => {
    const layout = layoutOf(v.columns, 'compact' in v ? v.compact : undefined, v.items);
    const place = placeNew(layout);
    expect([place.x, place.y]).toEqual([0, bottomOf(layout)]);
    const after = normaliseLayout({ ...layout, items: { ...layout.items, [v.id]: place } });
    expect(after.items).toEqual(layoutOf(1, undefined, v.after).items);
  });

  it('L5 begins at the top of an empty grid', () => {
    expect(placeNew({ columns: 4, compact: 'none', items: {} })).toEqual({ x: 0, y: 0, w: 4, h: 4, static: false });
  });
});
