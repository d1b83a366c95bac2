import type { DashwireClient } from '@dashwire/client';
import { useClient, useReadable } from '@dashwire/react';
import { useEffect, useState } from 'react';
import { toast } from '../shell/toasts.ts';
import { askOffer, type SignIn, signInOffer, signOut } from './session.ts';

export interface Guard {
  /** What is asked of somebody: `page` = nothing can be shown without; `again` = it goes on being shown. */
  readonly wanted: 'page' | 'again' | null;
  readonly offer: SignIn | null;
  /** Who is signed in; null = nobody, or the server does without. */
  readonly user: string | null;
}

/** How it stands with signing in; `own` is who one says to be where nobody has to. Tells once when a sign-in has ended. */
export function useSignIn(own: string, open: () => void): Guard {
  const { connection, sync } = useClient();
  const offer = useReadable(signInOffer);
  const { state, userId } = useReadable(connection);
  const [known, setKnown] = useState(false);
  const up = state === 'live' || state === 'read-only' || state === 'fallback';
  if (up && !known) setKnown(true);
  const needed = state === 'needs-auth';
  useEffect(() => {
    if ((up || needed) && signInOffer.getSnapshot() === null) void askOffer();
  }, [up, needed]);
  useEffect(() => {
    if (!needed || !known) return;
    const { pending } = sync.getSnapshot();
    const safe = pending > 0 ? 'What you changed' : 'What you change';
    toast(`Your sign-in has ended. ${safe} is kept on this device.`, { label: 'Sign in', run: open });
    const { userId: before } = connection.getSnapshot();
    return () => {
      // Whoever comes next sends nothing in another's name.
      const { userId: after } = connection.getSnapshot();
      if (pending > 0 && after !== before) toast(`What ${before} has not saved stays on this device for ${before}.`);
    };
  }, [needed, known, connection, sync, open]);
  return {
    wanted: needed ? (known ? 'again' : 'page') : null,
    offer,
    user: offer?.required || userId !== own ? userId : null,
  };
}

/** How long signing out waits for what is on its way, in ms. */
const patience = 3000;

/** Leaves: the browser forgets the token, and this page what it shows. What is not saved stays on this device. */
export async function leave(client: DashwireClient, anyway = false): Promise<void> {
  const saved = anyway || (await client.waitForSync({ timeoutMs: patience }));
  if (!saved) {
    const why = 'Some of your changes are not saved yet. They stay on this device until you sign in again.';
    toast(why, { label: 'Sign out anyway', run: () => void leave(client, true) });
    return;
  }
  const problem = await signOut();
  if (problem !== null) return toast(problem);
  await client.destroy(); // what is pending is on the disk by now
  window.location.reload();
}
