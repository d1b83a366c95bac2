import type { WidgetData } from '@dashwire/client';
import { useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

/** The newest live value of a widget, or its window of points; undefined = none has come. */
export function useWidgetData(widgetId: string): WidgetData | undefined {
  const dashboard = useDashboard();
  return useReadable(useMemo(() => dashboard.data(widgetId), [dashboard, widgetId]));
}
