import { useCallback, useSyncExternalStore } from 'react';
import { useClient } from './useClient.ts';

/** One's own session; null while there is none. */
export function useSessionId(): string | null {
  const { connection } = useClient();
  const subscribe = useCallback((listener: () => void) => connection.subscribe(listener), [connection]);
  const sessionId = () => connection.getSnapshot().sessionId;
  return useSyncExternalStore(subscribe, sessionId, sessionId);
}
