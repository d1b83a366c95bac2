import type { Json, Widget } from '@dashwire/client';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import { configOf, parse, statusOf } from './config.ts';

const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;
/** Objects that have the right names and the wrong things under them. */
const hostile = fc.dictionary(fc.constantFrom('type', 'title', 'config', '__proto__'), json) as fc.Arbitrary<Widget>;
const names = ['unit', 'min', 'max', 'decimals', 'series', 'thresholds', 'text', 'mode', 'description', 'sort'];
const almost = fc.record({
  type: json,
  title: json,
  config: fc.dictionary(fc.constantFrom(...names), json),
}) as fc.Arbitrary<Widget>;

test('any JSON as a widget is read without an error, and into what was promised', () => {
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
