import type { DashwireClient } from '@dashwire/client';
import { useEffect } from 'react';
import { fetchDrawings } from '../tiles/parts.ts';
import { fetchLater } from './later.ts';

/** How long the first tiles have the network to themselves, in ms. */
const patience = 1000;

/**
 * Fetches what tiles are drawn with as soon as the page is on the screen, and the parts that are shown later once it has nothing
 * better to do: they have to be there when the network is not, and when a newer server has none of their names any more.
 */
export function usePreload({ dashboards }: DashwireClient): void {
  useEffect(() => {
    fetchDrawings();
    const timer = setTimeout(() => {
      fetchLater();
      // What calls over REST take comes with the first of them, also with one that is called off.
      dashboards.list({ signal: AbortSignal.abort() }).catch(() => {});
    }, patience);
    return () => clearTimeout(timer);
  }, [dashboards]);
}
