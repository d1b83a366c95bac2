import type { DashwireClient } from '@dashwire/client';
import { useScope } from '../context.ts';

/** The client of the provider. */
export function useClient(): DashwireClient {
  return useScope().client;
}
