import { expect, test } from 'vitest';
import { personOf } from './person.ts';
import { presenceOf } from './presence.ts';

test('W3: reads what this app says of itself', () => {
  const state = { name: 'Ana', color: '#0b7363', widgetId: 'cpu', mode: 'drag', rect: { x: 1, y: 2, w: 3, h: 4 } };
  expect(presenceOf({ state, userId: 'ana' })).toEqual(state);
});

test.each([
  [null],
  ['Ana'],
  [[1, 2]],
  [{ name: 7, color: 'red;background:url(x)', widgetId: {}, mode: [], rect: { x: '1', y: 2, w: 3, h: 4 } }],
  [{ name: '   ', rect: { x: 0.5, y: 0, w: 1, h: 1 } }],
])('W3: %j is anybody, nowhere', (state) => {
  expect(presenceOf({ state, userId: 'ana' })).toEqual({
    name: 'ana',
    color: personOf('ana').color,
    widgetId: null,
    mode: '',
    rect: null,
  });
});

test('a name is cut, and never empty', () => {
  expect(presenceOf({ state: { name: 'x'.repeat(5000) }, userId: '' }).name).toHaveLength(60);
  expect(presenceOf({ state: null, userId: '' }).name).toBe('Somebody');
});
