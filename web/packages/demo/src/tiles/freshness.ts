import type { ConnectionStatus, DashwireClient, WidgetData } from '@dashwire/client';
import { useClient } from '@dashwire/react';
import { useCallback, useEffect, useRef, useSyncExternalStore } from 'react';
import type { TimeRange } from '../tile.ts';
import { seconds } from './seconds.ts';
import { columnsOf, intervalOf } from './values.ts';

/** What is known of when the values of a widget came, in ms. */
export interface Arrivals {
  /** By the local clock: when the newest value came. */
  readonly at: number;
  /** The usual distance; 0 = not known. */
  readonly every: number;
  /** How many have been seen to come. */
  readonly count: number;
}

const connected: readonly ConnectionStatus['state'][] = ['live', 'read-only', 'fallback', 'catching-up'];

/** Values that have to come before one that does not is missed. */
const enough = 4;

/** How long nothing may come before a value is stale: six times the usual, at least 15 s. */
export const patience = (every: number): number => Math.max(15_000, 6 * every);

/** How old the value is by now in ms, if that is older than it should be; else 0. */
export function staleness(
  arrivals: Arrivals,
  connection: Pick<ConnectionStatus, 'state' | 'since'>,
  now: number,
): number {
  const age = Math.max(0, now - arrivals.at);
  const away = !connected.includes(connection.state) && now - connection.since > 15_000;
  const late = arrivals.count >= enough && arrivals.every > 0 && age > patience(arrivals.every);
  return away || late ? Math.max(age, 1) : 0;
}

/**
 * The age in ms of a value that should have been replaced long ago, 0 of a fresh one: points tell it themselves, of others it
 * is known once some have been seen to come. It changes every second in the first minute, then every minute.
 */
export function useStaleness(value: WidgetData | undefined, range: TimeRange): number {
  const client = useClient();
  const arrivals = useRef<Arrivals>({ at: 0, every: 0, count: 0 });

  useEffect(() => {
    if (value === undefined) return;
    arrivals.current = next(arrivals.current, value, client);
  }, [value, client]);

  const { frozen } = range;
  const age = useCallback(() => {
    if (frozen || arrivals.current.at === 0) return 0;
    const ms = staleness(arrivals.current, client.connection.getSnapshot(), seconds.getSnapshot());
    return ms < 60_000 ? Math.ceil(ms / 1000) * 1000 : Math.floor(ms / 60_000) * 60_000;
  }, [client, frozen]);
  return useSyncExternalStore(seconds.subscribe, age, age);
}

function next(before: Arrivals, value: WidgetData, client: DashwireClient): Arrivals {
  const now = Date.now();
  const { times } = columnsOf(value.data, [], 0);
  const last = times.at(-1);
  if (last !== undefined) {
    const { clockOffset } = client.connection.getSnapshot();
    return { at: Math.min(now, last - clockOffset), every: intervalOf(times), count: times.length };
  }
  if (before.at === 0) return { at: now, every: 0, count: 1 };
  // The longest of late, so that what comes when something happens is not called late.
  return { at: now, every: Math.max(now - before.at, before.every * 0.9), count: before.count + 1 };
}
