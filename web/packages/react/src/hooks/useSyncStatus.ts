import type { SyncStatus } from '@dashwire/client';
import { useClient } from './useClient.ts';
import { useReadable } from './useReadable.ts';

/** Whether everything is saved, in one word, over all dashboards of the client. */
export function useSyncStatus(): SyncStatus {
  return useReadable(useClient().sync);
}
