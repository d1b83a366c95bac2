import type { EditOptions, Operation, Patch, Widget } from '@dashwire/client';
import { useCallback, useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

export type UpdateWidget = (patch: Patch, options?: EditOptions) => Operation;

/** A widget with everything pending on top, and how to change it. Draws again only if this widget has changed; undefined = it is not there. */
export function useWidget(widgetId: string): readonly [widget: Widget | undefined, update: UpdateWidget] {
  const dashboard = useDashboard();
  const widget = useReadable(useMemo(() => dashboard.widget(widgetId), [dashboard, widgetId]));
  const update: UpdateWidget = useCallback(
    (patch, options) => dashboard.updateWidget(widgetId, patch, options),
    [dashboard, widgetId],
  );
  return [widget, update];
}
