import {
  type ClientOptions,
  createClient,
  type Dashboard,
  type DashwireClient,
  type JsonObject,
} from '@dashwire/client';
import { type ReactNode, use, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { type Scope, ScopeContext, TextsContext } from './context.ts';
import { OwnPresence } from './own-presence.ts';
import type { Texts } from './texts.ts';
import { useUnsavedGuard } from './unsaved-guard.ts';

/** Either a client that the app made and destroys, or what one is made of; without both, the outer provider's client is used. */
export type DashboardRealtimeProviderProps = ({ client: DashwireClient } | ({ client?: undefined } & ClientOptions)) & {
  /** Opened while the provider is shown. */
  readonly dashboardId?: string;
  /** Who one is for the others on the dashboard, `{name, color}` by convention; absent = nothing is told before one edits. */
  readonly presence?: JsonObject;
  readonly texts?: Partial<Texts>;
  /** Asks before the page is left while there are changes that nobody but this page has. Default: true. */
  readonly unsavedGuard?: boolean;
  readonly children?: ReactNode;
};

/**
 * Gives a client, and a dashboard of it, to all components inside. Inside of another provider it opens a second dashboard over
 * the same client. A change of the client's options makes a new client; `token` is always asked as it is in the latest render.
 */
export function DashboardRealtimeProvider(props: DashboardRealtimeProviderProps): ReactNode {
  const { client: given, dashboardId, presence, texts, unsavedGuard = true, children, ...options } = props;
  const outer = use(ScopeContext);
  const shared = given ?? (Object.values(options).every((option) => option === undefined) ? outer?.client : undefined);
  const client = useClientOf(shared, options);
  const opened = useOpened(client, dashboardId);

  const inherited = dashboardId === undefined && outer !== null && outer.client === client ? outer : null;
  const dashboard = dashboardId === undefined ? (inherited?.dashboard ?? null) : (opened?.dashboard ?? null);
  const own = dashboardId === undefined ? (inherited?.own ?? null) : (opened?.own ?? null);
  // While another dashboard or client is being opened, the former one is shown on: what is inside keeps its state.
  const shownClient = dashboardId === undefined ? client : (opened?.client ?? null);
  const scope = useMemo<Scope | null>(
    () => (shownClient === null ? null : { client: shownClient, dashboard, own, outer }),
    [shownClient, dashboard, own, outer],
  );

  const who = JSON.stringify(presence ?? {});
  useLayoutEffect(() => {
    if (dashboardId !== undefined) own?.introduce(JSON.parse(who));
  }, [dashboardId, own, who]);

  useUnsavedGuard(unsavedGuard && client !== outer?.client ? client : null);

  const outerTexts = use(TextsContext);
  const words = useMemo(() => (texts === undefined ? outerTexts : { ...outerTexts, ...texts }), [outerTexts, texts]);

  if (scope === null) return null; // filled in before anything is painted
  return (
    <ScopeContext value={scope}>
      <TextsContext value={words}>{children}</TextsContext>
    </ScopeContext>
  );
}

/** The shared client, or one of its own that lives as long as the component and `options` do. */
function useClientOf(shared: DashwireClient | undefined, options: ClientOptions): DashwireClient | null {
  const latest = useRef(options);
  useLayoutEffect(() => {
    latest.current = options;
  });
  const { url, userId, clientId, storage, draftMs, encryption } = options;
  const key =
    shared === undefined ? JSON.stringify([url, userId, clientId, storage, draftMs, options.token != null]) : null;
  const held = useRef<{ key: string; encryption: unknown; client: DashwireClient; users: number } | null>(null);
  const [made, setMade] = useState<DashwireClient | null>(null);
  useLayoutEffect(() => {
    if (key === null) return;
    // Effects that run twice (StrictMode, fast refresh) find the client of the first time: it ends a moment after the last use.
    if (held.current?.key !== key || held.current.encryption !== encryption) {
      const { token, ...rest } = latest.current;
      const ask = token && (() => latest.current.token?.() ?? null);
      held.current = { key, encryption, client: createClient(ask ? { ...rest, token: ask } : rest), users: 0 };
    }
    const mine = held.current;
    mine.users++;
    setMade(mine.client);
    return () => {
      setMade(null);
      mine.users--;
      queueMicrotask(() => {
        if (mine.users > 0) return;
        if (held.current === mine) held.current = null;
        void mine.client.destroy();
      });
    };
  }, [key, encryption]);
  return shared ?? made;
}

interface Opened {
  readonly client: DashwireClient;
  readonly dashboard: Dashboard;
  readonly own: OwnPresence;
}

/** A handle of the dashboard; closed a moment after the next one is there, so that opening the same one again keeps the subscription. */
function useOpened(client: DashwireClient | null, id: string | undefined): Opened | null {
  const [opened, setOpened] = useState<Opened | null>(null);
  useLayoutEffect(() => {
    if (client === null || id === undefined) return;
    const dashboard = client.dashboard(id);
    setOpened({ client, dashboard, own: new OwnPresence(dashboard) });
    return () => queueMicrotask(() => dashboard.close());
  }, [client, id]);
  return opened;
}
