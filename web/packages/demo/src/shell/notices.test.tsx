import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { announce } from '../announce.ts';
import { Notices } from './notices.tsx';
import { dismiss, toast, toastMs, toasts } from './toasts.ts';

let box: HTMLElement;
let root: Root;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.useFakeTimers();
  box = document.createElement('div');
  document.body.append(box);
  root = createRoot(box);
  act(() => root.render(<Notices />));
});

afterEach(() => {
  act(() => {
    root.unmount();
    for (const { id } of toasts.getSnapshot()) dismiss(id);
  });
  box.remove();
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

const shown = () => [...box.querySelectorAll('.toast-text')].map((one) => one.textContent);

test('a toast goes by itself, but not while somebody is at it', () => {
  act(() => toast('Deleted CPU.'));
  expect(shown()).toEqual(['Deleted CPU.']);
  const bubbling = { bubbles: true };
  act(() => box.querySelector('.toast')?.dispatchEvent(new PointerEvent('pointerover', bubbling)));
  act(() => vi.advanceTimersByTime(10 * toastMs));
  expect(shown()).toEqual(['Deleted CPU.']);
  act(() => box.querySelector('.toast')?.dispatchEvent(new PointerEvent('pointerout', bubbling)));
  act(() => vi.advanceTimersByTime(toastMs));
  expect(shown()).toEqual([]);
});

test('what it offers is done once, and it is gone', () => {
  const run = vi.fn();
  act(() => toast('Deleted CPU.', { label: 'Undo', run }));
  act(() => box.querySelector<HTMLElement>('.toast-action')?.click());
  expect(run).toHaveBeenCalledOnce();
  expect(shown()).toEqual([]);
});

test('never more than three', () => {
  act(() => {
    for (const text of ['a', 'b', 'c', 'd']) toast(text);
  });
  expect(shown()).toEqual(['b', 'c', 'd']);
});

test('the same words said twice are heard twice', () => {
  const region = box.querySelector('[aria-live="polite"]');
  act(() => announce('column 1, row 1'));
  const first = region?.innerHTML;
  act(() => announce('column 1, row 1'));
  expect(region?.textContent).toBe('column 1, row 1');
  expect(region?.innerHTML).not.toBe(first);
});
