import type { Presence } from '@dashwire/client';
import { useCallback, useSyncExternalStore } from 'react';
import { useClient } from './useClient.ts';

/** Tells one's own presence from the others'. By client, not by session: one's former session is seen for a while after a reconnect. */
export function useIsMe(): (one: Presence) => boolean {
  const { connection } = useClient();
  const subscribe = useCallback((listener: () => void) => connection.subscribe(listener), [connection]);
  const ownUser = () => connection.getSnapshot().userId;
  const ownClient = () => connection.getSnapshot().clientId;
  const userId = useSyncExternalStore(subscribe, ownUser, ownUser);
  const clientId = useSyncExternalStore(subscribe, ownClient, ownClient);
  return useCallback((one) => one.clientId === clientId && one.userId === userId, [userId, clientId]);
}
