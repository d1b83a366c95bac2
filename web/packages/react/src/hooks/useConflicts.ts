import type { Conflict, DashwireClient } from '@dashwire/client';
import { useCallback, useMemo } from 'react';
import { useScope } from '../context.ts';
import { useReadable } from './useReadable.ts';

export type ResolveConflict = DashwireClient['resolve'];

/** What waits for a decision, and how to decide: of one widget of this dashboard, or of the client, over all its dashboards. */
export function useConflicts(widgetId?: string): readonly [conflicts: readonly Conflict[], resolve: ResolveConflict] {
  const { client, dashboard } = useScope();
  const conflicts = useReadable(
    useMemo(
      () => (widgetId === undefined || dashboard === null ? client.conflicts : dashboard.conflicts(widgetId)),
      [client, dashboard, widgetId],
    ),
  );
  const resolve: ResolveConflict = useCallback((id, choice) => client.resolve(id, choice), [client]);
  return [conflicts, resolve];
}
