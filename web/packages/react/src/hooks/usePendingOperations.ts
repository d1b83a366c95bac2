import type { PendingOperation } from '@dashwire/client';
import { useMemo } from 'react';
import { useScope } from '../context.ts';
import { useReadable } from './useReadable.ts';

/** What is not settled yet, oldest first: of one widget of this dashboard, or of the client, over all its dashboards. */
export function usePendingOperations(widgetId?: string): readonly PendingOperation[] {
  const { client, dashboard } = useScope();
  return useReadable(
    useMemo(
      () => (widgetId === undefined || dashboard === null ? client.pending : dashboard.pending(widgetId)),
      [client, dashboard, widgetId],
    ),
  );
}
