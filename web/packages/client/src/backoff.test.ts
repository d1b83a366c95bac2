import { expect, test } from 'vitest';
import { Backoff } from './backoff.ts';

test('waits at most 0.5 s, then twice as long each time, up to 20 s', () => {
  const backoff = new Backoff(() => 1);
  const waits = Array.from({ length: 8 }, () => backoff.next({}));
  expect(waits).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
  expect(backoff.attempt).toBe(8);
  backoff.reset();
  expect(backoff.next({})).toBe(500);
});

test.each([
  { name: 'the least of the jitter', random: 0, how: {}, ms: 0 },
  { name: 'the middle of the jitter', random: 0.5, how: {}, ms: 250 },
  { name: 'the window of the server', random: 0.5, how: { window: [500, 5000] as const }, ms: 2750 },
  { name: 'its least', random: 0, how: { window: [500, 5000] as const }, ms: 500 },
  { name: 'no window', random: 1, how: { window: null }, ms: 500 },
  { name: 'slow', random: 1, how: { slow: true }, ms: 20_000 },
  { name: 'a hidden tab', random: 1, how: { hidden: true }, ms: 1500 },
  { name: 'a hidden tab with a window', random: 0, how: { window: [500, 5000] as const, hidden: true }, ms: 1500 },
])('$name', ({ random, how, ms }) => {
  expect(new Backoff(() => random).next(how)).toBe(ms);
});

test('a connection that did not hold ends what failed before it, and counts itself', () => {
  const backoff = new Backoff(() => 1);
  for (let n = 0; n < 8; n++) backoff.next({});
  const waits = Array.from({ length: 4 }, () => {
    backoff.broke();
    return backoff.next({});
  });
  expect(waits).toEqual([500, 1000, 2000, 4000]);
  expect(backoff.next({})).toBe(8000);
  backoff.reset();
  backoff.broke();
  expect(backoff.next({})).toBe(500);
});

test('stays finite after any number of failures', () => {
  const backoff = new Backoff(() => 0.5);
  backoff.attempt = 5000;
  expect(backoff.next({})).toBe(10_000);
});
