import type { DashboardState } from '@dashwire/client';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

/** Whether the dashboard is there, its role and its whole document. It changes with every edit: a frame needs it, a widget does not. */
export function useDashboardState(): DashboardState {
  return useReadable(useDashboard().state);
}
