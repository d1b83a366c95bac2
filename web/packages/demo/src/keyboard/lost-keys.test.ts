import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { holdLostKeys } from './lost-keys.ts';

let stop: () => void;
const heard = vi.fn();
const onKey = (event: KeyboardEvent) => heard(event.key);

beforeEach(() => {
  vi.useFakeTimers();
  stop = holdLostKeys();
  window.addEventListener('keydown', onKey);
});
afterEach(() => {
  stop();
  window.removeEventListener('keydown', onKey);
  document.body.replaceChildren();
  vi.useRealTimers();
  heard.mockClear();
});

function press(target: Element, key: string): void {
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, cancelable: true }));
}

function typeIn(...keys: string[]): HTMLInputElement {
  const field = document.createElement('input');
  document.body.append(field);
  for (const key of keys) press(field, key);
  return field;
}

test('letters for a field that was taken away are nobody’s, until there is a pause', () => {
  typeIn('a', 'Backspace').remove();
  heard.mockClear();
  press(document.body, 'd');
  vi.advanceTimersByTime(900);
  press(document.body, 'Delete');
  expect(heard).not.toHaveBeenCalled();
  vi.advanceTimersByTime(1100);
  press(document.body, 'd');
  expect(heard).toHaveBeenCalledExactlyOnceWith('d');
});

test('after a field that was ended on purpose, keys are for the page at once', () => {
  typeIn('a', 'Enter').remove();
  heard.mockClear();
  press(document.body, 'd');
  expect(heard).toHaveBeenCalledExactlyOnceWith('d');
});

test('a field that is still there, and another one, get their keys', () => {
  const field = typeIn('a');
  heard.mockClear();
  press(document.body, 'd');
  expect(heard).toHaveBeenCalledTimes(1);
  press(field, 'b');
  field.remove();
  typeIn('c');
  expect(heard).toHaveBeenLastCalledWith('c');
});
