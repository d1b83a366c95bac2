import { expect, test } from 'vitest';
import { part } from './level.tsx';

test.each([
  [25, 0, 100, 0.25],
  [-5, 0, 100, 0],
  [500, 0, 100, 1],
  [null, 0, 100, 0],
  [1, 1, 1, 0],
  [Number.MAX_VALUE, -2.7e293, Number.MAX_VALUE, 1],
  [Number.MAX_VALUE, -Number.MAX_VALUE, Number.MAX_VALUE, 1],
  [0, -Number.MAX_VALUE, Number.MAX_VALUE, 0.5],
  [5e-324, 0, 5e-324, 0],
])('%s on a scale from %s to %s fills %s', (value, min, max, filled) => {
  expect(part(value, min, max)).toBe(filled);
});
