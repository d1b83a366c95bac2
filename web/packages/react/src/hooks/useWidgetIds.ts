import { useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

/** The ids of all widgets in the order of the grid. */
export function useWidgetIds(breakpoint?: string): readonly string[] {
  const dashboard = useDashboard();
  return useReadable(useMemo(() => dashboard.widgetIds(breakpoint), [dashboard, breakpoint]));
}
