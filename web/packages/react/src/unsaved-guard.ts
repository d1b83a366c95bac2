import type { DashwireClient, PendingOperation } from '@dashwire/client';
import { useEffect } from 'react';

/** Asks before the page is left while closing it would lose an edit. Listens only then: a listener keeps pages out of the back/forward cache. */
export function useUnsavedGuard(client: DashwireClient | null): void {
  useEffect(() => {
    if (client === null) return;
    const ask = (event: BeforeUnloadEvent) => event.preventDefault();
    const look = () => {
      if (client.pending.getSnapshot().some(wouldBeLost)) window.addEventListener('beforeunload', ask);
      else window.removeEventListener('beforeunload', ask);
    };
    const stop = client.pending.subscribe(look);
    look();
    return () => {
      stop();
      window.removeEventListener('beforeunload', ask);
    };
  }, [client]);
}

/** Neither the server nor this device's disk has it. */
function wouldBeLost({ persisted, state }: PendingOperation): boolean {
  return !persisted && state !== 'acked' && state !== 'settled' && state !== 'discarded';
}
