import type { Dashboard } from '@dashwire/client';
import { use } from 'react';
import { ScopeContext } from '../context.ts';

/** The dashboard of the provider, or, of providers in one another, of the one that has `id`. The same object from render to render. */
export function useDashboard(id?: string): Dashboard {
  for (let scope = use(ScopeContext); scope !== null; scope = scope.outer) {
    if (scope.dashboard !== null && (id === undefined || scope.dashboard.id === id)) return scope.dashboard;
    if (id === undefined) break;
  }
  const prop = id === undefined ? 'dashboardId="…"' : `dashboardId=${JSON.stringify(id)}`;
  throw new Error(`Put a <DashboardRealtimeProvider ${prop}> around this component.`);
}
