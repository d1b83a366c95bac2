import type { Json, Widget } from '@dashwire/client';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { configOf, parse, statusOf } from './config.ts';
import { columnsOf, compareCells, intervalOf, levelsOf, readingOf, tableOf, withGaps } from './values.ts';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
/** Objects that have the right names and the wrong things under them. */
const hostile = fc.dictionary(fc.constantFrom('type', 'title', 'config', '__proto__'), json) as fc.Arbitrary<Widget>;
const names = ['unit', 'min', 'max', 'decimals', 'series', 'thresholds', 'text', 'mode', 'description', 'sort'];
const almost = fc.record({
  type: json,
  title: json,
  config: fc.dictionary(fc.constantFrom(...names), json),
}) as fc.Arbitrary<Widget>;

describe('any JSON as a widget', () => {
  test('is read without an error, and into what was promised', () => {
    fc.assert(
      fc.property(fc.oneof(json as fc.Arbitrary<Widget>, hostile, almost), (widget) => {
        const config = configOf(widget);
        expect(typeof config.title).toBe('string');
        expect(typeof config.text).toBe('string');
        expect(config.unit === undefined || typeof config.unit === 'string').toBe(true);
        expect(config.min === undefined || Number.isFinite(config.min)).toBe(true);
        expect(config.thresholds.every((t) => !Number.isNaN(t.value))).toBe(true);
        for (const problem of config.problems) expect(problem).toMatch(/ (is|not) /);
      }),
      { numRuns: 500 },
    );
  });

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
});

const named = (config: Json) => parse({ type: 'stat', title: 'T', config }).problems;

test.each<[Json, string]>([
  [null, 'config is null, not an object'],
  [[1], 'config is a list, not an object'],
  [{ min: '3' }, 'min is "3", not a number'],
  [{ min: 5, max: 5 }, 'min, 5, is not below max, 5'],
  [{ decimals: 1.5 }, 'decimals is 1.5, not a whole number from 0 to 9'],
  [{ thresholds: {} }, 'thresholds is an object, not a list of {value, status}'],
  [{ thresholds: [{ value: 1, status: 'on fire' }] }, 'thresholds is a list, not a list of {value, status}'],
  [{ series: [{}] }, 'series is a list, not a list of {key, label}'],
  [{ mode: 'rtf' }, 'mode is "rtf", not markdown, html or text'],
])('config %j: %s', (config, problem) => {
  expect(named(config)).toContain(problem);
});

test('a null member is one that is not there', () => {
  expect(named({ min: null, unit: null, series: null, thresholds: null })).toEqual([]);
});

test('thresholds hold from their value on, in whatever order they come', () => {
  const config = parse({
    config: { thresholds: [{ status: 'busy' }, { value: 95, status: 'danger' }, { value: 80, status: 'attention' }] },
  });
  expect([-1, 79.9, 80, 95, 1000].map((n) => statusOf(n, config.thresholds))).toEqual([
    'busy',
    'busy',
    'attention',
    'danger',
    'danger',
  ]);
  expect(statusOf(null, config.thresholds)).toBe('ok');
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
  expect(levelsOf({ '/': 71, '/home': 3, note: 'x' })).toEqual([
    { label: '/', value: 71 },
    { label: '/home', value: 3 },
  ]);
  expect(levelsOf({ value: 4 })).toEqual([{ label: '', value: 4 }]);
});

describe('tables', () => {
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
