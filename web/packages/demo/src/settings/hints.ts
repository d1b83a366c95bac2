import type { Presence } from '@dashwire/client';
import { useClient, useDashboard } from '@dashwire/react';
import { useEffect, useState } from 'react';
import { presenceOf } from '../presence.ts';
import { type Hint, isMine, pathsOf } from './edit.ts';

const most = 20;

/** What others change at a widget from now on, newest first. */
export function useHints(widgetId: string): readonly Hint[] {
  const client = useClient();
  const dashboard = useDashboard();
  const [hints, setHints] = useState<readonly Hint[]>([]);
  useEffect(
    () =>
      client.on('entry', (entry) => {
        if (entry.dashboardId !== dashboard.id || isMine(entry, client.connection.getSnapshot())) return;
        const paths = pathsOf(entry.change, widgetId);
        if (paths.length === 0) return;
        const name = nameOf(entry.author, dashboard.presence.getSnapshot());
        setHints((was) => [{ name, at: Date.now(), paths }, ...was].slice(0, most));
      }),
    [client, dashboard, widgetId],
  );
  return hints;
}

/** Who did something: by the name that they are here with, else the one that they signed in with. */
export function nameOf(
  { clientId, userId }: { clientId: string | null; userId: string | null },
  present: readonly Presence[],
): string {
  const here = present.find((p) => p.clientId === clientId && (userId === null || p.userId === userId));
  return here ? presenceOf(here).name : userId || 'somebody';
}
