import { expect, test } from 'vitest';
import { boxOf, cellAt, cellsFor, type Geometry, heightOf, rowHeightToFill, rowsOf } from './geometry.ts';

const geometry: Geometry = { columns: 24, width: 1280, rowHeight: 24, gap: 8, flow: false };

test('boxes that touch in cells are one gap apart, whatever the width', () => {
  for (const width of [390, 1279, 1280, 2533.5]) {
    const of = (x: number, w: number) => boxOf({ x, y: 0, w, h: 1 }, { ...geometry, width });
    for (let x = 0; x < 23; x++) expect(of(x + 1, 1).left - (of(x, 1).left + of(x, 1).width)).toBeCloseTo(8, 0);
    expect(of(0, 24).width).toBe(Math.round(width));
  }
});

test('a box snaps back to the cells that it was made from', () => {
  for (const cells of [
    { x: 0, y: 0, w: 1, h: 1 },
    { x: 7, y: 12, w: 9, h: 8 },
    { x: 23, y: 1999, w: 1, h: 1000 },
  ]) {
    const { left, top, width, height } = boxOf(cells, geometry);
    expect({ ...cellAt(left, top, geometry), ...cellsFor(width, height, geometry) }).toEqual(cells);
    expect(cellAt(left + 20, top + 10, geometry)).toEqual({ x: cells.x, y: cells.y });
  }
});

test('nothing is smaller than a cell', () => {
  expect(cellsFor(-200, 0, geometry)).toEqual({ w: 1, h: 1 });
});

test('rows and their height', () => {
  const items = { a: { x: 0, y: 0, w: 2, h: 4, static: false }, b: { x: 2, y: 3, w: 2, h: 4, static: false } };
  expect(rowsOf({ columns: 24, compact: 'vertical', items })).toBe(7);
  expect(rowsOf({ columns: 24, compact: 'vertical', items: {} })).toBe(0);
  expect(heightOf(7, geometry)).toBe(7 * 32 - 8);
  expect(heightOf(0, geometry)).toBe(0);
});

test('a wall is filled to less than a row', () => {
  for (const rows of [3, 34, 50]) {
    const rowHeight = rowHeightToFill(rows, 1064, 8);
    const height = heightOf(rows, { ...geometry, rowHeight });
    expect(height).toBeLessThanOrEqual(1064);
    expect(height).toBeGreaterThan(1064 - rows);
  }
  expect(rowHeightToFill(500, 1064, 8)).toBe(10);
  expect(rowHeightToFill(0, 1064, 8)).toBe(24);
});
