import type { ConnectionStatus } from '@dashwire/client';
import { useClient } from '@dashwire/react';
import { useEffect, useState } from 'react';

/** How long the connection may be away before what is shown counts as stale, in ms. */
const grace = 3000;
const alive: readonly ConnectionStatus['state'][] = ['live', 'read-only', 'fallback'];

/** Since when what is shown is not what is, in ms since 1970; null = it is. */
export function useStale(): number | null {
  const { connection } = useClient();
  const [since, setSince] = useState<number | null>(null);
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined;
    let away: number | null = null;
    const look = () => {
      if (alive.includes(connection.getSnapshot().state)) {
        away = null;
        clearTimeout(timer);
        setSince(null);
      } else if (away === null) {
        const at = Date.now();
        away = at;
        timer = setTimeout(() => setSince(at), grace);
      }
    };
    look();
    const stop = connection.subscribe(look);
    return () => {
      stop();
      clearTimeout(timer);
    };
  }, [connection]);
  return since;
}
