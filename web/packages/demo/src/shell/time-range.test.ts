import { expect, test } from 'vitest';
import { rangeMinutes, ranges, setRange, stepRange } from './time-range.ts';

test('one minute until somebody chooses, and the choice is kept', () => {
  expect(rangeMinutes.getSnapshot()).toBe(1);
  setRange(15);
  expect(rangeMinutes.getSnapshot()).toBe(15);
  expect(localStorage.getItem('dashwire.range')).toBe('15');
  setRange(7);
  expect(rangeMinutes.getSnapshot()).toBe(15);
});

test('keys go from one to the next and stop at the ends', () => {
  setRange(5);
  expect([stepRange(-1), stepRange(-1), stepRange(1), stepRange(1), stepRange(1)]).toEqual([1, 1, 5, 15, 15]);
  expect(ranges).toContain(rangeMinutes.getSnapshot());
});
