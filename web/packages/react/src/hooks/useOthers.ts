import type { Presence } from '@dashwire/client';
import { useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';
import { useSessionId } from './useSessionId.ts';

/** Everybody else on the dashboard; another tab of one's own is somebody else. */
export function useOthers(): readonly Presence[] {
  const everybody = useReadable(useDashboard().presence);
  const sessionId = useSessionId();
  return useMemo(() => everybody.filter((one) => one.sessionId !== sessionId), [everybody, sessionId]);
}
