import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Part } from './part.tsx';
import { dismiss, toasts } from './toasts.ts';

let root: Root;
let page: HTMLElement;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.spyOn(console, 'error').mockReturnValue();
  page = document.createElement('div');
  root = createRoot(page);
});
afterEach(() => {
  act(() => {
    root.unmount();
    for (const { id } of toasts.getSnapshot()) dismiss(id);
  });
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function Broken(): never {
  throw new Error('no such thing');
}

const told = () => toasts.getSnapshot().map(({ text }) => text);
const offered = () => toasts.getSnapshot().map(({ action }) => action?.label);

test.each([
  {
    name: 'of a server that is there can be reloaded',
    fetch: async () => new Response(),
    words: 'A part of the page failed: no such thing. Reload the page: nothing is lost.',
    offer: 'Reload',
  },
  {
    name: 'is not to be reloaded while the server is away',
    fetch: () => Promise.reject(new TypeError('Failed to fetch')),
    words: 'A part of the page failed: no such thing. Reload the page once you are connected again: nothing is lost.',
    offer: undefined,
  },
])('a part that fails leaves the rest in use, and $name', async ({ fetch, words, offer }) => {
  vi.stubGlobal('fetch', fetch);
  await act(() =>
    root.render(
      <Part fallback="without">
        <Broken />
      </Part>,
    ),
  );
  expect(page.textContent).toBe('without');
  await expect.poll(told).toEqual([words]);
  expect(offered()).toEqual([offer]);
});

test('what was there when a reload was offered may be away when it is chosen', async () => {
  vi.stubGlobal('fetch', async () => new Response());
  const reload = vi.spyOn(window.location, 'reload').mockReturnValue();
  await act(() =>
    root.render(
      <Part>
        <Broken />
      </Part>,
    ),
  );
  await expect.poll(offered).toEqual(['Reload']);
  const [offer] = toasts.getSnapshot();
  vi.stubGlobal('fetch', async () => new Response(null, { status: 502 }));
  offer?.action?.run();
  await expect.poll(() => told().at(-1)).toMatch(/^The server cannot be reached: a reload would lose this page\./);
  expect(reload).not.toHaveBeenCalled();
  vi.stubGlobal('fetch', async () => new Response());
  offer?.action?.run();
  await expect.poll(() => reload.mock.calls.length).toBe(1);
});
