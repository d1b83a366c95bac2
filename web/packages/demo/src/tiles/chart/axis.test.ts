import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { increment, scaleOf, splits, tick, timeIncrement } from './axis.ts';

test.each<[number, string | undefined, number]>([
  [0.3, undefined, 0.5],
  [1, undefined, 1],
  [25, 'percent', 50],
  [0.04, 'percentunit', 0.05],
  [1000, undefined, 1000],
  [700, 'bytes', 1024],
  [5_000_000, 'bytes/s', 8 * 2 ** 20],
  [0.2, 'bytes', 0.2],
  [17, 'duration', 30],
  [0.017, 'duration', 0.02],
  [17_000, 'ms', 30_000],
  [100_000, 's', 172_800],
  [Number.NaN, 's', 1],
  [0, 's', 1],
])('lines at least %d %s apart are %d apart', (least, unit, expected) => {
  expect(increment(least, unit)).toBeCloseTo(expected, 9);
});

const free = { min: undefined, max: undefined, unit: undefined };

test.each<[string, number | null, number | null, Parameters<typeof scaleOf>[2], [number, number]]>([
  ['no data', null, null, free, [0, 1]],
  ['no data, ends given', null, null, { ...free, min: 0, max: 100 }, [0, 100]],
  ['no data, only the upper end', null, null, { ...free, max: 100 }, [0, 100]],
  ['down to near 0', 3, 87, free, [0, 100]],
  ['far from 0', 985, 1012, free, [980, 1020]],
  ['the same value', 5, 5, free, [5, 5.6]],
  ['nothing but 0', 0, 0, { ...free, min: 0 }, [0, 0.6]],
  ['below 0', -87, -3, free, [-100, 0]],
  ['an end given is kept', 3, 187, { ...free, min: 0, max: 100 }, [0, 100]],
  ['all beyond an end', 500, 600, { ...free, max: 100 }, [0, 100]],
  ['bytes', 0, 3 * 2 ** 30, { ...free, unit: 'bytes' }, [0, 3 * 2 ** 30]],
])('%s', (_, low, high, ends, expected) => {
  const [min, max] = scaleOf(low, high, ends, 4);
  if (_ === 'the same value' || _ === 'nothing but 0' || _ === 'all beyond an end') {
    expect(min).toBeLessThan(max);
    expect(max).toBeLessThanOrEqual(expected[1]);
    return;
  }
  expect([min, max]).toEqual(expected);
});

describe('any data', () => {
  const n = fc.oneof(fc.double({ noNaN: true, min: -1e15, max: 1e15 }), fc.constantFrom(0, 1, 100));
  const end = fc.option(n, { nil: undefined });
  test('has a scale with an inside, and lines that can be counted', () => {
    fc.assert(
      fc.property(n, n, end, end, fc.constantFrom('bytes', 'duration', 'percent'), (a, b, low, high, unit) => {
        const ends = low !== undefined && high !== undefined && low >= high ? free : { min: low, max: high, unit };
        const [min, max] = scaleOf(Math.min(a, b), Math.max(a, b), ends, 4);
        expect(min).toBeLessThan(max);
        if (ends.min !== undefined) expect(min).toBe(ends.min);
        if (ends.max !== undefined && ends.max > (ends.min ?? Math.min(a, b))) expect(max).toBe(ends.max);
        const lines = splits(min, max, increment((max - min) / 4, unit));
        expect(lines.length).toBeLessThan(12);
      }),
      { numRuns: 1000 },
    );
  });
});

test('lines stand at multiples', () => {
  expect(splits(-0.25, 0.31, 0.1)).toEqual([-0.2, -0.1, 0, 0.1, 0.2, 0.3]);
  expect(splits(0, 1e300, 1)).toEqual([]);
});

test.each<[number, string, string]>([
  [0, 'bytes', '0 B'],
  [1.5 * 2 ** 30, 'bytes', '1.5 GiB'],
  [100, 'percent', '100 %'],
  [0.5, 'short', '0.5'],
  [2500, 'short', '2.5 k'],
  [90, 'duration', '1 min 30 s'],
])('%d %s is %s', (value, unit, expected) => {
  expect(tick(value, unit)).toBe(expected);
});

test('times stand at round seconds and minutes', () => {
  expect([900, 4000, 70_000, 400_000].map(timeIncrement)).toEqual([1000, 5000, 120_000, 600_000]);
});
