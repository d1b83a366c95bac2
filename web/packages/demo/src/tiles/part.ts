import { type Readable, Store } from '@dashwire/client';
import { useReadable } from '@dashwire/react';
import { useEffect } from 'react';
import { untilItComes } from '../shell/later.ts';

/** A part of the page that is fetched apart from the first view, once, and kept. */
export interface Part<T> {
  /** null = not here yet. */
  readonly current: Readable<T | null>;
  /** Fetches it, unless it is here or on its way. What fails is tried again until it comes. */
  fetch(): void;
}

export function part<T extends object>(load: () => Promise<T>): Part<T> {
  const store = new Store<T | null>(null);
  let asked = false;
  return {
    current: store,
    fetch() {
      if (asked) return;
      asked = true;
      void untilItComes(load).then((it) => store.set(it));
    },
  };
}

/** The part, as soon as it is here. */
export function usePart<T>({ current, fetch }: Part<T>): T | null {
  const it = useReadable(current);
  useEffect(fetch, [fetch]);
  return it;
}
