import { CSPProvider } from '@base-ui/react/csp-provider';
import { DashboardRealtimeProvider, useClient, useReadable } from '@dashwire/react';
import { lazy, type ReactNode, Suspense, useEffect, useMemo, useState } from 'react';
import { person, personOf, userIdOf } from './person.ts';
import { firstDashboard, type PageOptions, parseOptions, type Route } from './routes.ts';
import './shell/dialog.css';
import './shell/page.css';
import type { CommonActions } from './shell/menu.tsx';
import { useRoute, useSearch } from './shell/navigation.ts';
import { Notices } from './shell/notices.tsx';
import { obeyOffline } from './shell/offline.ts';
import { UnknownAddress } from './shell/states.tsx';
import { PlainBar } from './shell/top-bar.tsx';

const DashboardPage = lazy(async () => ({ default: (await import('./shell/dashboard-page.tsx')).DashboardPage }));
const Kiosk = lazy(async () => ({ default: (await import('./kiosk/kiosk.tsx')).Kiosk }));
const KeyboardHelp = lazy(async () => ({ default: (await import('./keyboard/help.tsx')).KeyboardHelp }));
const RenameDialog = lazy(async () => ({ default: (await import('./shell/rename.tsx')).RenameDialog }));

/** The app: one client, and the page that the address asks for. */
export function App(): ReactNode {
  const route = useRoute();
  const search = useSearch();
  const options = useMemo(() => parseOptions(search), [search]);
  const kept = useReadable(person);
  const who = useMemo(() => (options.userId === null ? kept : personOf(options.userId)), [options.userId, kept]);
  return (
    <CSPProvider disableStyleElements>
      <DashboardRealtimeProvider userId={options.userId ?? userIdOf(who.name)} unsavedGuard={options.kiosk === null}>
        <OfflineSwitch />
        <Page route={route} options={options} presence={{ name: who.name, color: who.color }} />
      </DashboardRealtimeProvider>
    </CSPProvider>
  );
}

interface PageProps {
  readonly route: Route;
  readonly options: PageOptions;
  readonly presence: { readonly name: string; readonly color: string };
}

function Page({ route, options, presence }: PageProps): ReactNode {
  const [dialog, setDialog] = useState<'help' | 'rename' | null>(null);
  const common = useMemo<CommonActions>(
    () => ({ help: () => setDialog('help'), rename: () => setDialog('rename') }),
    [],
  );
  if (options.kiosk !== null) {
    return (
      <Suspense>
        <Kiosk options={options.kiosk} id={route.page === 'dashboard' ? route.id : firstDashboard} />
      </Suspense>
    );
  }
  const close = () => setDialog(null);
  return (
    <>
      <Suspense>
        {route.page === 'dashboard' && (
          <DashboardRealtimeProvider dashboardId={route.id} presence={presence}>
            <DashboardPage key={route.id} common={common} />
          </DashboardRealtimeProvider>
        )}
        {route.page !== 'dashboard' && (
          <>
            <PlainBar title="Dashwire" common={common} />
            <main className="page">
              <UnknownAddress id={route.page === 'unknown' ? route.id : ''} />
            </main>
          </>
        )}
      </Suspense>
      <Suspense>
        {dialog === 'help' && <KeyboardHelp open onClose={close} />}
        {dialog === 'rename' && <RenameDialog open onClose={close} />}
      </Suspense>
      <Notices />
    </>
  );
}

function OfflineSwitch(): ReactNode {
  const client = useClient();
  useEffect(() => obeyOffline(client), [client]);
  return null;
}
