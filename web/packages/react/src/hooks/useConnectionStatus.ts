import type { ConnectionStatus } from '@dashwire/client';
import { useClient } from './useClient.ts';
import { useReadable } from './useReadable.ts';

/** The connection in all detail. */
export function useConnectionStatus(): ConnectionStatus {
  return useReadable(useClient().connection);
}
