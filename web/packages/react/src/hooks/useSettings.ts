import type { EditOptions, JsonObject, Operation, Patch } from '@dashwire/client';
import { useCallback } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

export type UpdateSettings = (patch: Patch, options?: EditOptions) => Operation;

/** The dashboard's settings, and how to change them. */
export function useSettings(): readonly [settings: JsonObject, update: UpdateSettings] {
  const dashboard = useDashboard();
  const update: UpdateSettings = useCallback((patch, options) => dashboard.updateSettings(patch, options), [dashboard]);
  return [useReadable(dashboard.settings), update];
}
