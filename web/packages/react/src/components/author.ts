import type { Author, Presence, Readable } from '@dashwire/client';
import { useEffect, useState } from 'react';
import { useScope } from '../context.ts';
import { useConnectionStatus } from '../hooks/useConnectionStatus.ts';
import { useReadable } from '../hooks/useReadable.ts';
import { useTexts } from '../hooks/useTexts.ts';
import { personOf } from './person.ts';

const none: readonly Presence[] = [];
const nobody: Readable<readonly Presence[]> = { getSnapshot: () => none, subscribe: () => () => {} };

/** What to call an author: the name that goes with the presence, if the author is here, else the user's id. */
export function useAuthorName(author: Author): string {
  const texts = useTexts();
  const { userId } = useConnectionStatus();
  const present = useReadable(useScope().dashboard?.presence ?? nobody);
  const here =
    present.find((one) => one.clientId === author.clientId && one.userId === author.userId) ??
    present.find((one) => one.userId === author.userId);
  if (author.userId !== null && author.userId === userId) return texts.yourself;
  return (here && personOf(here).name) || author.userId || texts.somebody;
}

/** When a version was committed, in ms since 1970; null while that is not known. */
export function useVersionTime(dashboardId: string, version: number): number | null {
  const { dashboard } = useScope();
  const [at, setAt] = useState<number | null>(null);
  useEffect(() => {
    if (dashboard?.id !== dashboardId || version === 0) return;
    const stop = new AbortController();
    dashboard
      .history({ before: version + 1, limit: 1, signal: stop.signal })
      .then(({ entries: [entry] }) => {
        if (!stop.signal.aborted && entry?.version === version) setAt(Date.parse(entry.timestamp));
      })
      .catch(() => {}); // the version's number says enough
    return () => stop.abort();
  }, [dashboard, dashboardId, version]);
  return at;
}
