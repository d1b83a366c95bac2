import { expect, test } from 'vitest';
import { pageKeyOf } from './keys.ts';

const none = { ctrlKey: false, metaKey: false, altKey: false, shiftKey: false, target: null };

test.each([
  [{ key: 'a' }, 'add'],
  [{ key: '?', shiftKey: true }, 'help'],
  [{ key: 'z', ctrlKey: true }, 'undo'],
  [{ key: 'Z', metaKey: true, shiftKey: true }, 'redo'],
  [{ key: 'y', ctrlKey: true }, 'redo'],
  [{ key: 'a', ctrlKey: true }, undefined],
  [{ key: 'h', altKey: true }, undefined],
  [{ key: 'constructor' }, undefined],
  [{ key: 'x' }, undefined],
])('%j is %s', (event, wants) => {
  expect(pageKeyOf({ ...none, ...event })).toBe(wants);
});

test('a key in a field is for the field', () => {
  const field = document.createElement('input');
  expect(pageKeyOf({ ...none, key: 'a', target: field })).toBeUndefined();
  expect(pageKeyOf({ ...none, key: 'z', ctrlKey: true, target: document.createElement('textarea') })).toBeUndefined();
  field.type = 'radio';
  expect(pageKeyOf({ ...none, key: 'a', target: field })).toBe('add');
});
