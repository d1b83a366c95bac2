import { type Readable, Store } from '@dashwire/client';
import { useClient, useReadable } from '@dashwire/react';
import { useMemo } from 'react';
import type { TimeRange } from '../tile.ts';

/** The stretches that can be chosen, in minutes of live values. */
export const ranges: readonly number[] = [1, 5, 15];

const key = 'dashwire.range';
const store = new Store(kept());

/** What this person looks at, in minutes: on every dashboard, in every tab opened from now on. */
export const rangeMinutes: Readable<number> = store;

export function setRange(minutes: number): void {
  if (!ranges.includes(minutes)) return;
  try {
    localStorage.setItem(key, String(minutes));
  } catch {} // storage is full or forbidden: it holds until the page is left
  store.set(minutes);
}

/** The next shorter (-1) or longer (1) one; the same at the ends. */
export function stepRange(by: -1 | 1): number {
  const minutes = ranges[ranges.indexOf(store.getSnapshot()) + by] ?? store.getSnapshot();
  setRange(minutes);
  return minutes;
}

/** The range that follows the server's clock. */
export function useTimeRange(): TimeRange {
  const { connection } = useClient();
  const minutes = useReadable(rangeMinutes);
  return useMemo(
    () => ({
      ms: minutes * 60_000,
      // Points come once a second: the edge waits for them.
      end: () => Date.now() + connection.getSnapshot().clockOffset - 1000,
      frozen: false,
    }),
    [connection, minutes],
  );
}

function kept(): number {
  try {
    const minutes = Number(localStorage.getItem(key));
    return ranges.includes(minutes) ? minutes : 1;
  } catch {
    return 1;
  }
}
