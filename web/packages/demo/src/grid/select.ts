import type { Readable } from '@dashwire/client';
import { useCallback, useSyncExternalStore } from 'react';

/** A part of a readable. Draws again only if that part is another one: give primitives, or parts that keep their identity. */
export function useOf<T, P>(readable: Readable<T>, part: (value: T) => P): P {
  const subscribe = useCallback((listener: () => void) => readable.subscribe(listener), [readable]);
  const read = () => part(readable.getSnapshot());
  return useSyncExternalStore(subscribe, read, read);
}
