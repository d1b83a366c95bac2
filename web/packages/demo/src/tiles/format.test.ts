import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ago, format, type Style, write } from './format.ts';
import { unitOf } from './units.ts';

const cases: readonly [number | null | undefined, Style, string][] = [
  [null, {}, '–'],
  [undefined, { unit: 'bytes' }, '–'],
  [Number.NaN, {}, '–'],
  [Number.POSITIVE_INFINITY, { unit: 'bytes' }, '∞ B'],
  [0, {}, '0'],
  [-0, {}, '0'],
  [-0.001, { decimals: 1 }, '0.0'],
  [4, {}, '4'],
  [3.97412, {}, '3.97'],
  [39.7412, {}, '39.7'],
  [397.412, {}, '397'],
  [999.96, {}, '1.00 k'],
  [1000, {}, '1 k'],
  [12_345, {}, '12.3 k'],
  [12_345, { decimals: 0 }, '12.3 k'],
  [-12_345, {}, '−12.3 k'],
  [0.0123, {}, '0.012'],
  [1e-30, {}, '1.0e-30'],
  [2, { decimals: 0 }, '2'],
  [1e30, { unit: 'h' }, '3.6e33 s'],
  [1e300, {}, '1.0e288 T'],
  [4, { decimals: 1 }, '4.0'],
  [12.5, { unit: 'percent', decimals: 1 }, '12.5 %'],
  [100, { unit: 'percent', decimals: 1 }, '100.0 %'],
  [0.125, { unit: 'percentunit' }, '12.5 %'],
  [512, { unit: 'bytes' }, '512 B'],
  [1023.9999, { unit: 'bytes' }, '1.00 KiB'],
  [1024, { unit: 'bytes', decimals: 1 }, '1.0 KiB'],
  [1_395_864_371, { unit: 'bytes', decimals: 1 }, '1.3 GiB'],
  [2 ** 60, { unit: 'bytes' }, '1024 PiB'],
  [1_500_000, { unit: 'decbytes' }, '1.50 MB'],
  [3276.8, { unit: 'bytes/s', decimals: 1 }, '3.2 KiB/s'],
  [0, { unit: 'bytes/s', decimals: 1 }, '0.0 B/s'],
  [2_500_000, { unit: 'bps' }, '2.50 Mbit/s'],
  [25, { unit: 'ops' }, '25 ops/s'],
  [1800, { unit: 'reqps' }, '1.80 kreq/s'],
  [0.0419, { unit: 'duration', decimals: 3 }, '42 ms'],
  [0.0419, { unit: 'duration' }, '41.9 ms'],
  [0.000832, { unit: 'duration', decimals: 3 }, '832 µs'],
  [1.5, { unit: 's' }, '1.50 s'],
  [59.97, { unit: 's' }, '1 min'],
  [60, { unit: 's' }, '1 min'],
  [80, { unit: 's' }, '1 min 20 s'],
  [10_080, { unit: 'duration', decimals: 0 }, '2 h 48 min'],
  [7_199.9, { unit: 'duration' }, '2 h'],
  [273_600, { unit: 'duration' }, '3 d 4 h'],
  [90_000, { unit: 'ms' }, '1 min 30 s'],
  [1500, { unit: 'ms' }, '1.50 s'],
  [250, { unit: 'ms' }, '250 ms'],
  [90, { unit: 'm' }, '1 h 30 min'],
  [2_400_000_000, { unit: 'hertz' }, '2.40 GHz'],
  [21.37, { unit: 'celsius' }, '21.4 °C'],
  [1, { unit: 'bool_yes_no' }, 'yes'],
  [0, { unit: 'bool_on_off' }, 'off'],
  [1200, { unit: 'currencyEUR' }, '€1.20 k'],
  [-5, { unit: 'currencyUSD' }, '−$5'],
  [1234, { unit: 'widgets' }, '1234 widgets'],
  [1_234_567, { unit: 'widgets' }, '1\u202f234\u202f567 widgets'],
  [7, { unit: 'suffix: boxes' }, '7  boxes'],
  [7, { unit: 'prefix:No. ' }, 'No. 7'],
  [7000, { unit: 'si:g' }, '7 kg'],
];

test.each(cases)('%d as %o is %s', (value, style, expected) => {
  expect(format(value, style)).toBe(expected);
});

test('every number has a short text in every unit', () => {
  const units = ['short', 'percent', 'bytes', 'bytes/s', 'duration', 'ms', 'ns', 'd', 'bool', 'currencyEUR', 'things'];
  fc.assert(
    fc.property(
      fc.double(),
      fc.constantFrom(...units),
      fc.option(fc.nat(6), { nil: undefined }),
      (n, unit, decimals) => {
        const { number } = write(n, { unit, decimals });
        expect(number).not.toMatch(/NaN|undefined|Infinity/);
        if (Math.abs(n) < 1e12) expect(number.length).toBeLessThan(28);
      },
    ),
  );
});

test('units typed letter by letter do not pile up', () => {
  for (let i = 0; i < 1000; i++) unitOf(`unit ${i}`);
  expect(unitOf('constructor').steps).toEqual([[1, 'constructor']]);
  expect(unitOf('__proto__').steps).toEqual([[1, '__proto__']]);
});

test.each([
  [-5000, 'just now'],
  [4000, 'just now'],
  [45_000, '45 s ago'],
  [200_000, '3 min ago'],
  [7_300_000, '2 h ago'],
  [200_000_000, '2 d ago'],
])('%d ms are %s', (ms, expected) => {
  expect(ago(ms)).toBe(expected);
});
