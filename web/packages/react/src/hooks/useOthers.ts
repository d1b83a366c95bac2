import type { Presence } from '@dashwire/client';
import { useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useIsMe } from './useIsMe.ts';
import { useReadable } from './useReadable.ts';

/** Everybody else on the dashboard; another tab of one's own is somebody else. */
export function useOthers(): readonly Presence[] {
  const everybody = useReadable(useDashboard().presence);
  const isMe = useIsMe();
  return useMemo(() => everybody.filter((one) => !isMe(one)), [everybody, isMe]);
}
