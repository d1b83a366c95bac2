import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useTurn } from './turn.ts';

let root: Root;
let page: HTMLElement;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.useFakeTimers();
  page = document.createElement('div');
  root = createRoot(page);
});
afterEach(() => {
  act(() => root.unmount());
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

let pass: (() => void) | undefined;

function Wall({ count, everyMs }: { readonly count: number; readonly everyMs: number }) {
  const [turn, next] = useTurn(count, everyMs);
  pass = next;
  return turn;
}

const shown = () => page.textContent;
const show = (count: number, everyMs: number) => act(() => root.render(<Wall count={count} everyMs={everyMs} />));
const wait = (ms: number) => act(() => vi.advanceTimersByTime(ms));

test('each has its whole time, and one that is passed over gives it to the next', () => {
  show(3, 10_000);
  wait(10_000);
  expect(shown()).toBe('1');
  wait(4000);
  act(() => pass?.());
  expect(shown()).toBe('2');
  wait(9999);
  expect(shown()).toBe('2');
  wait(1);
  expect(shown()).toBe('0');
});

test('one alone stays, and there is none to pass it to', () => {
  show(1, 10_000);
  wait(60_000);
  expect(shown()).toBe('0');
  expect(pass).toBeUndefined();
});
