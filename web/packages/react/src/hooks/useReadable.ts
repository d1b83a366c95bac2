import type { Readable } from '@dashwire/client';
import { useCallback, useSyncExternalStore } from 'react';

/** The value of any readable of the client, an operation's `current` for one. Give it the same readable each time. */
export function useReadable<T>(readable: Readable<T>): T {
  const subscribe = useCallback((listener: () => void) => readable.subscribe(listener), [readable]);
  const snapshot = () => readable.getSnapshot();
  return useSyncExternalStore(subscribe, snapshot, snapshot);
}
