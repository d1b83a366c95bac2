import type { Layout, Move, Rectangle } from '@dashwire/client';
import { describe, expect, test } from 'vitest';
import { directionOf, neighbour, nudge, placeInWords } from './keyboard.ts';
import { changed, placed } from './place.ts';

function grid(items: Record<string, readonly [x: number, y: number, w: number, h: number]>): Layout {
  const rectangles = Object.entries(items).map(([id, [x, y, w, h]]) => [id, { x, y, w, h, static: false }]);
  return { columns: 12, compact: 'vertical', items: Object.fromEntries(rectangles) };
}

const four = grid({ a: [0, 0, 6, 4], b: [6, 0, 6, 4], c: [0, 4, 4, 4], d: [4, 4, 8, 4] });

describe('neighbour', () => {
  test.each([
    ['a', 'right', 'b'],
    ['b', 'left', 'a'],
    ['a', 'down', 'c'],
    ['b', 'down', 'd'],
    ['d', 'up', 'b'],
    ['c', 'right', 'd'],
    ['a', 'left', undefined],
    ['a', 'up', undefined],
    ['d', 'right', undefined],
    ['d', 'down', undefined],
    ['gone', 'down', undefined],
  ] as const)('from %s %s is %s', (from, direction, to) => {
    expect(neighbour(four, from, direction)).toBe(to);
  });

  test('every tile can be reached from every other one', () => {
    const layout = grid({
      a: [0, 0, 3, 2],
      b: [3, 0, 2, 8],
      c: [7, 0, 5, 3],
      d: [0, 2, 3, 6],
      e: [5, 3, 2, 2],
      f: [9, 3, 3, 9],
      g: [0, 8, 8, 4],
    });
    const ids = Object.keys(layout.items);
    for (const start of ids) {
      const seen = new Set([start]);
      for (const id of seen) {
        for (const direction of ['left', 'right', 'up', 'down'] as const) {
          const next = neighbour(layout, id, direction);
          if (next !== undefined) seen.add(next);
        }
      }
      expect([...seen].sort()).toEqual(ids);
    }
  });
});

describe('nudge', () => {
  const press = (layout: Layout, id: string, mode: 'move' | 'resize', direction: 'left' | 'right' | 'up' | 'down') => {
    const shown = layout.items[id] as Rectangle;
    const settle = (move: Move) => placed(layout, id, move)?.rectangle;
    const move = nudge(shown, mode, direction, layout.columns, settle);
    return move && placed(layout, id, move)?.rectangle;
  };

  test('goes one cell where there is room', () => {
    expect(press(grid({ a: [0, 0, 4, 4] }), 'a', 'move', 'right')).toMatchObject({ x: 1, y: 0, w: 4 });
    expect(press(grid({ a: [0, 0, 4, 4] }), 'a', 'resize', 'down')).toMatchObject({ y: 0, w: 4, h: 5 });
  });

  test('L2: down goes below the next tile, since one cell would rise back', () => {
    expect(press(grid({ a: [0, 0, 6, 4], b: [0, 4, 6, 4] }), 'a', 'move', 'down')).toMatchObject({ y: 4 });
    expect(press(grid({ a: [0, 0, 6, 4], b: [0, 4, 6, 4] }), 'b', 'move', 'up')).toMatchObject({ y: 0 });
  });

  test.each([
    ['move', 'left'],
    ['move', 'up'],
    ['move', 'down'],
  ] as const)('a lone tile in its corner cannot %s %s', (mode, direction) => {
    expect(press(grid({ a: [0, 0, 4, 4] }), 'a', mode, direction)).toBeUndefined();
  });

  test('never leaves the grid or gets smaller than a cell', () => {
    expect(press(grid({ a: [8, 0, 4, 4] }), 'a', 'move', 'right')).toBeUndefined();
    expect(press(grid({ a: [8, 0, 4, 4] }), 'a', 'resize', 'right')).toBeUndefined();
    expect(press(grid({ a: [0, 0, 1, 1] }), 'a', 'resize', 'left')).toBeUndefined();
    expect(press(grid({ a: [0, 0, 1, 1] }), 'a', 'resize', 'up')).toBeUndefined();
  });
});

describe('placed', () => {
  test('L1: tells the place that the tile ends up at, and only what the gesture changed', () => {
    const place = placed(grid({ a: [0, 0, 6, 4], b: [6, 0, 6, 4] }), 'a', { x: 6, y: 3 });
    expect(place?.move).toEqual({ x: 6, y: place?.rectangle.y });
    const sized = placed(four, 'a', { w: 20, h: 2 });
    expect(sized?.move).toEqual({ w: 12, h: 2 });
  });

  test('L4: what it shows is what the same move gives again', () => {
    for (let x = 0; x < 12; x++) {
      for (let y = 0; y < 12; y++) {
        const place = placed(four, 'c', { x, y });
        expect(place && placed(four, 'c', place.move)?.layout).toEqual(place?.layout);
      }
    }
  });

  test('a tile that is gone has no place', () => {
    expect(placed(four, 'gone', { x: 1, y: 1 })).toBeUndefined();
  });
});

test('changed is nothing where a tile comes back to where it was', () => {
  const from = { x: 1, y: 2, w: 3, h: 4, static: false };
  expect(changed(from, { x: 1, y: 2 })).toBeUndefined();
  expect(changed(from, { x: 1, y: 3 })).toEqual({ x: 1, y: 3 });
});

test('keys and words', () => {
  expect(directionOf('ArrowUp')).toBe('up');
  expect(directionOf('toString')).toBeUndefined();
  expect(placeInWords({ x: 0, y: 8, w: 6, h: 4, static: false })).toBe('column 1, row 9, 6 wide, 4 high');
});
