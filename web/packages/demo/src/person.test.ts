import { expect, test } from 'vitest';
import { initials, person, personOf, rename, userIdOf } from './person.ts';
import { isId } from './routes.ts';

test('a first visitor has a name, and keeps it', () => {
  const { name, color } = person.getSnapshot();
  expect(name).toMatch(/^\w+ \w+$/);
  expect(color).toMatch(/^#[0-9a-f]{6}$/);
  expect(localStorage.getItem('dashwire.name')).toBe(name);
});

test('rename keeps the new name, and no empty one', () => {
  rename('  Ana   Lopez ');
  expect(person.getSnapshot()).toEqual(personOf('Ana Lopez'));
  rename('  ');
  expect(person.getSnapshot().name).toBe('Ana Lopez');
  rename('x'.repeat(50));
  expect(person.getSnapshot().name).toHaveLength(40);
  expect(localStorage.getItem('dashwire.name')).toBe('x'.repeat(40));
});

test.each(['Ana', 'Calm Heron', 'José', '名前', '  ', '..', '__proto__', '💥', 'a/b', 'x'.repeat(300)])(
  'D2: %s makes an id',
  (name) => {
    expect(isId(userIdOf(name))).toBe(true);
    expect(userIdOf(name)).toBe(userIdOf(name));
  },
);

test('different names without letters are different users', () => {
  expect(userIdOf('名前')).not.toBe(userIdOf('前名'));
});

test.each([
  ['Calm Heron', 'CH'],
  ['ana', 'A'],
  ['ana.maria-lopez', 'AL'],
  ['💥 x', '💥X'],
  ['', '?'],
])('initials of %s', (name, letters) => {
  expect(initials(name)).toBe(letters);
});
