import { expect, test } from 'vitest';
import { merged } from './steady-order.ts';

test.each([
  [
    ['a', 'b', 'c'],
    ['c', 'a', 'b'],
    ['a', 'b', 'c'],
  ],
  [
    ['a', 'b', 'c'],
    ['c', 'a'],
    ['a', 'c'],
  ],
  [
    ['a', 'b'],
    ['x', 'b', 'a', 'y'],
    ['a', 'b', 'x', 'y'],
  ],
  [[], ['a'], ['a']],
  [['a'], [], []],
])('%j, then %j, is shown as %j', (before, ids, shown) => {
  expect(merged(before, ids)).toEqual(shown);
});
