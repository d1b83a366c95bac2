import { expect, test } from 'vitest';
import { summaryOf } from './chart/summary.ts';
import { parse } from './config.ts';
import { type Arrivals, staleness } from './freshness.ts';
import { isTelling, pathOf } from './spark.tsx';

const live = { state: 'live', since: 0 } as const;

test.each<[string, number, Arrivals, { state: 'live' | 'offline'; since: number }, number]>([
  ['one a second, 3 s ago', 3000, { at: 0, every: 1000, count: 9 }, live, 0],
  ['one a second, 16 s ago', 16_000, { at: 0, every: 1000, count: 9 }, live, 16_000],
  ['one a minute, 3 min ago', 180_000, { at: 0, every: 60_000, count: 9 }, live, 0],
  ['one a minute, 7 min ago', 420_000, { at: 0, every: 60_000, count: 9 }, live, 420_000],
  ['one alone says nothing of the next', 9e9, { at: 0, every: 0, count: 9 }, live, 0],
  ['few have come so far', 60_000, { at: 0, every: 1000, count: 3 }, live, 0],
  ['away for a moment', 5000, { at: 0, every: 0, count: 9 }, { state: 'offline', since: 0 }, 0],
  ['away for long', 60_000, { at: 1000, every: 0, count: 9 }, { state: 'offline', since: 10_000 }, 59_000],
  ['a clock that is ahead', 0, { at: 50_000, every: 1000, count: 9 }, live, 0],
])('%s', (_, now, arrivals, connection, expected) => {
  expect(staleness(arrivals, connection, now)).toBe(expected);
});

test('a line that only counts up, or stands still, is not worth drawing', () => {
  expect(
    isTelling([
      [0, 1],
      [1, 2],
      [2, 3],
    ]),
  ).toBe(false);
  expect(
    isTelling([
      [0, 5],
      [1, 5],
      [2, 5],
    ]),
  ).toBe(false);
  expect(
    isTelling([
      [0, 1],
      [1, 3],
      [2, 2],
    ]),
  ).toBe(true);
  expect(isTelling([])).toBe(false);
});

test('a line fits its box', () => {
  expect(
    pathOf([
      [0, 1],
      [5, 3],
      [10, 2],
    ]),
  ).toBe('M0.00 96.00L50.00 4.00L100.00 50.00');
  expect(
    pathOf([
      [0, 1],
      [10, 1],
    ]),
  ).toBe('M0.00 50.00L100.00 50.00');
  expect(pathOf([[0, 1]])).toBe('');
});

test('a chart in words', () => {
  const config = parse({ config: { unit: 'percent', decimals: 1, thresholds: [{ value: 80, status: 'attention' }] } });
  const columns = {
    times: [0, 60_000, 120_000],
    series: [
      [10, null, 85],
      [null, null, null],
    ],
  };
  expect(summaryOf(columns, ['all', 'other'], config)).toBe(
    'Line chart over 2 min. all: 85.0 % (attention), between 10.0 % and 85.0 %. other: no values.',
  );
  expect(summaryOf({ times: [], series: [] }, [], config)).toBe('Line chart, no values yet.');
});
