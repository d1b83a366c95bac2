import { CSPProvider } from '@base-ui/react/csp-provider';
import type { DashwireClient } from '@dashwire/client';
import { DashboardRealtimeProvider, useClient, useReadable } from '@dashwire/react';
import { type ReactNode, Suspense, useCallback, useEffect, useMemo, useState } from 'react';
import { pageKeyOf } from './keyboard/keys.ts';
import { holdLostKeys } from './keyboard/lost-keys.ts';
import { type Person, person, personOf, userIdOf } from './person.ts';
import { encryption, restoreKey, wordsAsked } from './private/keys.ts';
import { firstDashboard, type PageOptions, parseOptions, type Route } from './routes.ts';
import './shell/page.css';
import { DashboardPage } from './shell/dashboard-page.tsx';
import { later, tellItIsLate, untilItComes } from './shell/later.ts';
import type { CommonActions } from './shell/menu.tsx';
import { useRoute, useSearch } from './shell/navigation.ts';
import { Notices } from './shell/notices.tsx';
import { obeyOffline } from './shell/offline.ts';
import { Part } from './shell/part.tsx';
import { usePreload } from './shell/preload.ts';
import { UnknownAddress } from './shell/states.tsx';
import { PlainBar } from './shell/top-bar.tsx';
import { leave, useSignIn } from './sign-in/guard.ts';

const DashboardsPage = later(async () => (await import('./dashboards/dashboards.tsx')).DashboardsPage);
const DropZone = later(async () => (await import('./import/drop.tsx')).DropZone);
const Kiosk = later(async () => (await import('./kiosk/kiosk.tsx')).Kiosk);
const KeyboardHelp = later(async () => (await import('./keyboard/help.tsx')).KeyboardHelp);
const SignInDialog = later(async () => (await import('./sign-in/dialog.tsx')).SignInDialog);
const SignInPage = later(async () => (await import('./sign-in/page.tsx')).SignInPage);
const WordsDialog = later(async () => (await import('./private/words-dialog.tsx')).WordsDialog);
const RenameDialog = later(async () => (await import('./shell/rename.tsx')).RenameDialog);

/** The app: one client, and the page that the address asks for. */
export function App(): ReactNode {
  const route = useRoute();
  const search = useSearch();
  const options = useMemo(() => parseOptions(search), [search]);
  const kept = useReadable(person);
  useEffect(holdLostKeys, []);
  useEffect(() => void restoreKey(), []);
  const who = useMemo(() => (options.userId === null ? kept : personOf(options.userId)), [options.userId, kept]);
  return (
    <CSPProvider disableStyleElements>
      <DashboardRealtimeProvider
        userId={options.userId ?? userIdOf(who.name)}
        encryption={encryption}
        unsavedGuard={options.kiosk === null}
      >
        <OfflineSwitch />
        <Page route={route} options={options} who={who} />
      </DashboardRealtimeProvider>
    </CSPProvider>
  );
}

interface PageProps {
  readonly route: Route;
  readonly options: PageOptions;
  readonly who: Person;
}

function Page({ route, options, who: asked }: PageProps): ReactNode {
  const [dialog, setDialog] = useState<'help' | 'rename' | 'sign-in' | null>(null);
  const client = useClient();
  usePreload(client);
  const signIn = useCallback(() => setDialog('sign-in'), []);
  const { wanted, offer, user } = useSignIn(options.userId ?? userIdOf(asked.name), signIn);
  const who = useMemo(() => (user === null ? asked : personOf(user)), [user, asked]);
  const named = options.userId === null && user === null;
  const signedIn = user !== null && offer?.cookie === true;
  const common = useMemo<CommonActions>(
    () => ({
      who,
      help: () => setDialog('help'),
      rename: named ? () => setDialog('rename') : undefined,
      signIn,
      signOut: signedIn ? () => void leave(client) : undefined,
      importFiles: () => chooseFiles((files) => void importAll(files, client)),
    }),
    [client, who, named, signIn, signedIn],
  );
  const wall = options.kiosk !== null;
  useEffect(() => {
    if (wall) return;
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented || pageKeyOf(event) !== 'help') return;
      event.preventDefault();
      common.help();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [common, wall]);
  if (options.kiosk !== null) {
    return (
      <Suspense>
        <Kiosk options={options.kiosk} id={route.page === 'dashboard' ? route.id : firstDashboard} />
      </Suspense>
    );
  }
  const close = () => setDialog(null);
  if (wanted === 'page') {
    return (
      <>
        <Part>
          <SignInPage />
        </Part>
        <Notices />
      </>
    );
  }
  return (
    <>
      <Suspense>
        {route.page === 'dashboard' && (
          <DashboardRealtimeProvider dashboardId={route.id} presence={{ name: who.name, color: who.color }}>
            <DashboardPage key={route.id} common={common} />
          </DashboardRealtimeProvider>
        )}
        {route.page === 'dashboards' && (
          <>
            <PlainBar title="Dashboards" common={common} />
            <main className="page">
              <Part>
                <DashboardsPage />
              </Part>
            </main>
          </>
        )}
        {route.page === 'unknown' && (
          <>
            <PlainBar title="Dashwire" common={common} />
            <main className="page">
              <UnknownAddress id={route.id} />
            </main>
          </>
        )}
      </Suspense>
      <Part>
        <DropZone>{null}</DropZone>
      </Part>
      <Part key={dialog}>
        {dialog === 'help' && <KeyboardHelp open onClose={close} />}
        {dialog === 'rename' && <RenameDialog open onClose={close} />}
        {dialog === 'sign-in' && <SignInDialog open onClose={close} />}
      </Part>
      <Words />
      <Notices />
    </>
  );
}

/** Where one gives the words for private texts. */
function Words(): ReactNode {
  const asked = useReadable(wordsAsked);
  return <Part key={String(asked !== null)}>{asked && <WordsDialog kid={asked.kid} />}</Part>;
}

function OfflineSwitch(): ReactNode {
  const client = useClient();
  useEffect(() => obeyOffline(client), [client]);
  return null;
}

function chooseFiles(then: (files: readonly File[]) => void): void {
  const input = document.createElement('input');
  input.type = 'file';
  input.accept = '.json,application/json';
  input.multiple = true;
  input.addEventListener('change', () => then([...(input.files ?? [])]));
  input.click();
}

async function importAll(files: readonly File[], client: DashwireClient): Promise<void> {
  const { imports } = await untilItComes(() => import('./import/imports.ts'), tellItIsLate);
  await imports.add(files, client.dashboards, client.connection.getSnapshot().limits);
}
