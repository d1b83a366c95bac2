import type { Dashboard } from '@dashwire/client';
import { useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';

export type Mutations = Pick<
  Dashboard,
  | 'createWidget'
  | 'updateWidget'
  | 'deleteWidget'
  | 'move'
  | 'updateLayout'
  | 'updateSettings'
  | 'batch'
  | 'restoreLayout'
  | 'gesture'
>;

/** Everything that edits the dashboard. The same object from render to render; its methods may be taken out of it. */
export function useMutation(): Mutations {
  const dashboard = useDashboard();
  return useMemo(
    () => ({
      createWidget: dashboard.createWidget.bind(dashboard),
      updateWidget: dashboard.updateWidget.bind(dashboard),
      deleteWidget: dashboard.deleteWidget.bind(dashboard),
      move: dashboard.move.bind(dashboard),
      updateLayout: dashboard.updateLayout.bind(dashboard),
      updateSettings: dashboard.updateSettings.bind(dashboard),
      batch: dashboard.batch.bind(dashboard),
      restoreLayout: dashboard.restoreLayout.bind(dashboard),
      gesture: dashboard.gesture.bind(dashboard),
    }),
    [dashboard],
  );
}
