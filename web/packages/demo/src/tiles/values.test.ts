import type { Json } from '@dashwire/client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { columnsOf, compareCells, decimalsOf, intervalOf, levelsOf, readingOf, tableOf, withGaps } from './values.ts';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
test('any JSON as a value is read without an error', () => {
  fc.assert(
    fc.property(json, (data) => {
      const { times, series } = withGaps(columnsOf(data));
      for (const one of series) expect(one.length).toBe(times.length);
      for (let i = 1; i < times.length; i++) expect(times[i]).toBeGreaterThan(times[i - 1] ?? Number.NaN);
      readingOf(data);
      levelsOf(data);
      for (const row of tableOf(data)?.rows ?? []) expect(row.length).toBe(tableOf(data)?.columns.length);
    }),
    { numRuns: 500 },
  );
});
describe('points', () => {
  test('become columns in the order of time, the last of a moment', () => {
    const columns = columnsOf([[3000, 3, null], [1000, 1, 'x'], ['nonsense'], [3000, 4, 2], 7]);
    expect(columns).toEqual({
      times: [1000, 3000],
      series: [
        [1, 4],
        [null, 2],
      ],
    });
  });

  test('may be objects, with dates as text', () => {
    const at = '2026-11-22T18:00:00.000Z';
    expect(columnsOf([{ time: at, rx: 1, tx: 2 }], ['rx', 'tx'])).toEqual({
      times: [Date.parse(at)],
      series: [[1], [2]],
    });
    expect(columnsOf([{ t: 5, v: 1 }])).toEqual({ times: [5], series: [[1]] });
  });

  test('a silence breaks the line, a late point does not', () => {
    const times = [0, 1000, 2000, 3400, 4000, 60_000, 61_000];
    const columns = withGaps({ times, series: [times] });
    expect(columns.times).toEqual([0, 1000, 2000, 3400, 4000, 32_000, 60_000, 61_000]);
    expect(columns.series[0]?.[5]).toBeNull();
    expect(intervalOf(times)).toBe(1000);
  });
});

test.each<[Json | undefined, unknown]>([
  [undefined, null],
  [null, { value: null, word: '', detail: '' }],
  [5, { value: 5, word: '', detail: '' }],
  ['up', { value: null, word: 'up', detail: '' }],
  [
    { value: 5, detail: '5 of 9' },
    { value: 5, word: '', detail: '5 of 9' },
  ],
  [{ value: null }, { value: null, word: '', detail: '' }],
  [
    [
      [1, 2],
      [2, 3],
      [3, null],
    ],
    { value: 3, word: '', detail: '' },
  ],
  [[], null],
])('reading of %j', (data, expected) => {
  expect(readingOf(data)).toEqual(expected);
});

test('levels come as a list, an object or one number', () => {
  expect(levelsOf({ values: [{ label: '/', value: 71 }, { value: 3 }] }, ['', 'b'])).toEqual([
    { label: '/', value: 71 },
    { label: 'b', value: 3 },
  ]);
  expect(levelsOf([{ name: '/', value: 71 }])).toEqual([{ label: '/', value: 71 }]);
  expect(levelsOf({ '/': 71, '/home': 3, note: 'x' })).toEqual([
    { label: '/', value: 71 },
    { label: '/home', value: 3 },
  ]);
  expect(levelsOf({ value: 4 })).toEqual([{ label: '', value: 4 }]);
});

describe('tables', () => {
  test('numbers of a column have as many decimals as one of them needs, and ids none', () => {
    const table = tableOf([
      { id: 4711, cpu: 21.1, share: 1 / 3, name: 'a' },
      { id: 12, cpu: 6, share: 2, name: 'b' },
    ]);
    expect(table?.columns.map((_, i) => decimalsOf(table, i))).toEqual([0, 1, 3, 0]);
  });

  test('rows of any length get the same width', () => {
    expect(tableOf({ columns: ['a', 'b'], rows: [[1], [1, 2, { c: 3 }], 'x'] })).toEqual({
      columns: ['a', 'b', ''],
      rows: [
        [1, null, null],
        [1, 2, '{"c":3}'],
        ['x', null, null],
      ],
    });
  });

  test('objects give their keys as columns', () => {
    expect(tableOf([{ a: 1 }, { b: true }])).toEqual({
      columns: ['a', 'b'],
      rows: [
        [1, null],
        [null, true],
      ],
    });
  });

  test('sizes and percentages sort as numbers, nothing at the end', () => {
    const cells = ['1.4 GiB', null, '900 MiB', '2 KiB', '10 B'];
    expect(cells.toSorted((a, b) => compareCells(a, b, true))).toEqual(['1.4 GiB', '900 MiB', '2 KiB', '10 B', null]);
    expect(['b10', 'b9', 3, true].toSorted((a, b) => compareCells(a, b, false))).toEqual([true, 3, 'b9', 'b10']);
  });
});
