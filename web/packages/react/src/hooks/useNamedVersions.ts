import type { NamedVersion } from '@dashwire/client';
import { useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

/** The versions of the dashboard that have a name. */
export function useNamedVersions(): readonly NamedVersion[] {
  const dashboard = useDashboard();
  return useReadable(useMemo(() => dashboard.namedVersions(), [dashboard]));
}
