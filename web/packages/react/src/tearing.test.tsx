import { Store } from '@dashwire/client';
import { StrictMode, startTransition, useLayoutEffect, useState } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useReadable } from './hooks/useReadable.ts';

// React is to work here as it does on a page: in slices, with updates in between.
beforeEach(() => vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', false));
afterEach(() => vi.unstubAllGlobals());

test('all readers of one store show the same value, while it changes in the middle of a slow drawing', async () => {
  const store = new Store(0);
  const container = document.createElement('div');
  const root = createRoot(container);
  const seen: Seen = { torn: [], commits: 0, changedWhileDrawing: false, drawing: false };
  root.render(
    <StrictMode>
      <Page store={store} seen={seen} container={container} />
    </StrictMode>,
  );
  const start = Date.now();
  for (let value = 1; value <= 400; value++) {
    store.set(value);
    if (seen.drawing) seen.changedWhileDrawing = true;
    if (container.children.length === readers && value > 50) break;
    await new Promise((resolve) => setImmediate(resolve));
  }
  await vi.waitFor(() => expect(container.children).toHaveLength(readers));
  store.set(-1);
  await vi.waitFor(() => expect(values(container)).toEqual(['-1']));
  root.unmount();
  expect(Date.now() - start).toBeGreaterThan(readers);
  expect(seen.commits).toBeGreaterThan(2);
  expect(seen.changedWhileDrawing).toBe(true);
  expect(seen.torn).toEqual([]);
});

const readers = 40;

interface Seen {
  readonly torn: string[][];
  commits: number;
  changedWhileDrawing: boolean;
  drawing: boolean;
}

interface PageProps {
  readonly store: Store<number>;
  readonly seen: Seen;
  readonly container: Element;
}

function Page({ store, seen, container }: PageProps) {
  const [shown, setShown] = useState(1);
  useLayoutEffect(() => {
    startTransition(() => setShown(readers));
  }, []);
  const value = useReadable(store);
  useLayoutEffect(() => {
    seen.commits++;
    seen.drawing = false;
    const all = values(container);
    if (all.length > 1 || all[0] !== `${value}`) seen.torn.push(all);
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

/** The different values that are shown. */
function values(container: Element): string[] {
  return [...new Set([...container.children].map((child) => child.textContent ?? ''))];
}
