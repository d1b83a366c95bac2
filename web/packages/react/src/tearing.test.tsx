import { Store } from '@dashwire/client';
import { startTransition, useLayoutEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useReadable } from './hooks/useReadable.ts';

// React is to work here as it does on a page: in slices, with updates in between.
beforeEach(() => vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false));
afterEach(() => vi.unstubAllGlobals());

test('all readers of one store show the same value, though it changes in the middle of a slow drawing', async () => {
  const store = new Store(0);
  const container = document.createElement('div');
  const root = createRoot(container);
  const seen: Seen = { shown: [], drawing: false };
  root.render(<Page store={store} seen={seen} container={container} />);
  await vi.waitUntil(() => seen.drawing, { interval: 0 });
  expect(container.children).toHaveLength(1);
  store.set(1);
  await vi.waitUntil(() => container.children.length === readers);
  store.set(2);
  await vi.waitUntil(() => seen.shown.at(-1)?.join() === '2');
  root.unmount();
  expect(seen.shown.filter((values) => values.length !== 1)).toEqual([]);
});

const readers = 30;

interface Seen {
  /** The different values on the page, for each commit. */
  readonly shown: string[][];
  /** Between the slices of drawing all readers. */
  drawing: boolean;
}

interface PageProps {
  readonly store: Store<number>;
  readonly seen: Seen;
  readonly container: Element;
}

function Page({ store, seen, container }: PageProps) {
  const [shown, setShown] = useState(1);
  useReadable(store);
  useLayoutEffect(() => {
    startTransition(() => setShown(readers));
  }, []);
  useLayoutEffect(() => {
    seen.drawing = false;
    seen.shown.push([...new Set([...container.children].map((child) => child.textContent ?? ''))]);
  });
  return Array.from({ length: shown }, (_, at) => `${at}`).map((at) => <Reader key={at} store={store} seen={seen} />);
}

function Reader({ store, seen }: Pick<PageProps, 'store' | 'seen'>) {
  const value = useReadable(store);
  seen.drawing = true;
  const end = performance.now() + 1;
  while (performance.now() < end); // a millisecond of work, so that React takes a break after a few of these
  return <p>{value}</p>;
}
