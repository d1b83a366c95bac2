import { DashwireError } from '@dashwire/client';
import { canReload, useClient } from '@dashwire/react';
import { useEffect, useRef } from 'react';
import { sentence } from '../import/words.ts';

/** Between two attempts to read what could not be read, in ms. */
export const pause = 5000;

export interface Trouble {
  readonly words: string;
  /** Whether it may work by itself: it is tried again then. */
  readonly again: boolean;
}

/** Why something cannot be read. `what` begins a sentence; an error of the network tells nothing of where the server is, which is asked. */
export async function troubleOf(error: unknown, what: string): Promise<Trouble> {
  if (!(error instanceof DashwireError)) return { words: `${what} could not be read.`, again: false };
  const again = error.retryable;
  if (error.code === 'NETWORK' && !(await canReload()))
    return { words: `${what} needs the connection. It comes by itself once that is back.`, again };
  const words = sentence(error.message);
  return { words: again ? `${words} It comes by itself as soon as it can.` : words, again };
}

/** Calls it whenever the client is connected again. */
export function useBack(act: () => void): void {
  const { connection } = useClient();
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    const isUp = () => ['live', 'read-only', 'fallback'].includes(connection.getSnapshot().state);
    let up = isUp();
    return connection.subscribe(() => {
      const was = up;
      up = isUp();
      if (up && !was) latest.current();
    });
  }, [connection]);
}
