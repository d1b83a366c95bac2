import type { Dashboard, DashwireClient } from '@dashwire/client';
import { createContext, use } from 'react';
import type { OwnPresence } from './own-presence.ts';
import { english, type Texts } from './texts.ts';

/** What a provider hands down. One object for as long as the provider has the same client and the same dashboard. */
export interface Scope {
  readonly client: DashwireClient;
  readonly dashboard: Dashboard | null;
  readonly own: OwnPresence | null;
  /** The provider around that one. */
  readonly outer: Scope | null;
}

export const ScopeContext = createContext<Scope | null>(null);
/** Apart from the scope, so that new words draw again only what shows words. */
export const TextsContext = createContext<Texts>(english);

/** The nearest provider's. Throws outside of one. */
export function useScope(): Scope {
  const scope = use(ScopeContext);
  if (scope === null) throw new Error('Put a <DashboardRealtimeProvider> around this component.');
  return scope;
}
