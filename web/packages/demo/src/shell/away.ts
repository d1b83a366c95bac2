import { DashwireError } from '@dashwire/client';

/** Between two attempts to read what needs the connection, in ms. */
export const pause = 5000;

/** Whether the network alone keeps something from being read: it is tried again then. */
export function isAway(error: unknown): boolean {
  return error instanceof DashwireError && error.code === 'NETWORK';
}
