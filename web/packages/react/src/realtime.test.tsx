// @vitest-environment node
import 'fake-indexeddb/auto'; // before there is a window, which it would put itself on
import '../test/dom.ts';
import { type ClientOptions, createClient, type DashwireClient, type Json } from '@dashwire/client';
import { act, cleanup, configure, fireEvent, render, screen, waitFor } from '@testing-library/react';
import { memo, StrictMode, useEffect } from 'react';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { ConflictBadge } from './components/conflict-badge.tsx';
import { PendingOperationsBadge } from './components/pending-badge.tsx';
import { personOf } from './components/person.ts';
import { DashboardSyncIndicator } from './components/sync-indicator.tsx';
import { WidgetRealtime } from './components/widget-realtime.tsx';
import { useConnectionStatus } from './hooks/useConnectionStatus.ts';
import { useDashboardState } from './hooks/useDashboardState.ts';
import { type History, useHistory } from './hooks/useHistory.ts';
import { useLayout } from './hooks/useLayout.ts';
import { type Mutations, useMutation } from './hooks/useMutation.ts';
import { useOthers } from './hooks/useOthers.ts';
import { useSettings } from './hooks/useSettings.ts';
import { useWidget } from './hooks/useWidget.ts';
import { useWidgetData } from './hooks/useWidgetData.ts';
import { useWidgetIds } from './hooks/useWidgetIds.ts';
import { DashboardRealtimeProvider } from './provider.tsx';

configure({ asyncUtilTimeout: 30_000 });

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 120_000);
afterAll(() => server.dispose());

/** Sockets that were opened, by everybody. */
let sockets: WebSocket[];
class CountedWebSocket extends WebSocket {
  constructor(...args: ConstructorParameters<typeof WebSocket>) {
    super(...args);
    sockets.push(this);
  }
}

let clients: DashwireClient[];
let dashboardId: string;
let count = 0;
beforeEach(() => {
  sockets = [];
  clients = [];
  dashboardId = `d${++count}`;
});
afterEach(async () => {
  cleanup();
  await Promise.all(clients.map((client) => client.destroy()));
});

function options(userId: string): ClientOptions {
  return {
    url: server.url,
    userId,
    storage: 'memory',
    draftMs: 5,
    platform: { WebSocket: CountedWebSocket, window: null, document: null, sessionStorage: null, locks: null },
  };
}

function newClient(userId: string, more: ClientOptions = {}): DashwireClient {
  const client = createClient({ ...options(userId), ...more });
  clients.push(client);
  return client;
}

/** A dashboard with these widgets, as somebody else has it open. */
async function someoneElse(widgets: Readonly<Record<string, string>> = { cpu: 'CPU', disk: 'Disk' }) {
  const client = newClient('ana');
  await client.dashboards.create({ id: dashboardId, title: 'Test' });
  const dashboard = client.dashboard(dashboardId);
  const created = dashboard.batch(
    Object.entries(widgets).map(([widgetId, title]) => ({
      type: 'WIDGET_UPDATE',
      widgetId,
      create: true,
      set: { '/type': 'text', '/title': title },
    })),
  );
  expect(await created.done).toMatchObject({ state: 'settled' });
  return { client, dashboard };
}

function Title({ id }: { readonly id: string }) {
  const [widget] = useWidget(id);
  return <p data-testid={id}>{String(widget?.title)}</p>;
}

function Titles() {
  return useWidgetIds().map((id) => <Title key={id} id={id} />);
}

const text = (id: string) => screen.getByTestId(id).textContent;

describe('what is drawn again', () => {
  test('one edit draws one widget of 100', async () => {
    const names = Object.fromEntries(Array.from({ length: 100 }, (_, at) => [`w${at}`, `Widget ${at}`]));
    const { dashboard } = await someoneElse(names);
    const drawn: Drawn = new Map();
    render(
      <DashboardRealtimeProvider client={newClient('me')} dashboardId={dashboardId}>
        <All drawn={drawn} />
      </DashboardRealtimeProvider>,
    );
    await waitFor(() => expect(drawn.size).toBe(100));
    drawn.clear();
    await act(async () => {
      await dashboard.updateWidget('w7', { set: { '/title': 'theirs' } }).done;
    });
    await waitFor(() => expect(text('w7')).toBe('theirs'));
    expect([...drawn.keys()]).toEqual(['w7']);

    drawn.clear();
    fireEvent.click(screen.getByTestId('w8'));
    expect(text('w8')).toBe('mine');
    await waitFor(() => expect(dashboard.widget('w8').getSnapshot()?.title).toBe('mine'));
    expect([...drawn.keys()]).toEqual(['w8']);
  });
});

describe('the provider makes its own client', () => {
  test('once, over effects that run twice and drawings again, and ends it', async () => {
    await someoneElse();
    const before = sockets.length;
    let made = 0;
    const platform = {
      ...options('me').platform,
      get random() {
        made++; // each client takes its platform once
        return Math.random;
      },
    };
    const page = (token: () => null) => (
      <StrictMode>
        <DashboardRealtimeProvider {...options('me')} platform={platform} token={token} dashboardId={dashboardId}>
          <Titles />
          <Live />
        </DashboardRealtimeProvider>
      </StrictMode>
    );
    const { rerender, unmount } = render(page(() => null));
    await waitFor(() => expect(text('cpu')).toBe('CPU'));
    rerender(page(() => null));
    await waitFor(() => expect(screen.getByText('live')).toBeTruthy());
    expect(made).toBe(1);
    expect(sockets.length - before).toBe(1);
    const own = sockets.at(-1);
    unmount();
    await waitFor(() => expect(own?.readyState).toBe(WebSocket.CLOSED));
    expect(sockets.length - before).toBe(1);
  });

  test('anew for another user', async () => {
    const page = (userId: string) => (
      <DashboardRealtimeProvider {...options(userId)} dashboardId={dashboardId}>
        <Who />
      </DashboardRealtimeProvider>
    );
    const { rerender } = render(page('me'));
    await waitFor(() => expect(screen.getByText('I am me')).toBeTruthy());
    rerender(page('you'));
    await waitFor(() => expect(screen.getByText('I am you')).toBeTruthy());
    expect(sockets.length).toBe(2);
    await waitFor(() => expect(sockets[0]?.readyState).toBe(WebSocket.CLOSED));
  });
});

test('hooks read and edit the dashboard', async () => {
  const { dashboard } = await someoneElse();
  const hand: { all?: Everything } = {};
  render(
    <DashboardRealtimeProvider client={newClient('me')} dashboardId={dashboardId}>
      <Hand hand={hand} />
      <Titles />
    </DashboardRealtimeProvider>,
  );
  await waitFor(() => expect(text('cpu')).toBe('CPU'));
  const all = () => {
    if (hand.all === undefined) throw new Error('nothing is drawn yet');
    return hand.all;
  };
  const first = all().mutation;
  expect(all().status).toBe('ready');
  expect(all().history.canUndo).toBe(false);

  await act(async () => {
    await all().mutation.updateWidget('cpu', { set: { '/title': 'Load' } }).done;
    await all().move({ disk: { x: 12, y: 0 } }).done;
    await all().updateSettings({ set: { '/title': 'Mine' } }).done;
  });
  await waitFor(() => expect(dashboard.settings.getSnapshot().title).toBe('Mine'));
  expect(text('cpu')).toBe('Load');
  expect(all().place).toMatchObject({ x: 12, y: 0 });
  expect(all().title).toBe('Mine');
  expect(all().history.canUndo).toBe(true);
  expect(all().mutation).toBe(first);

  await act(async () => {
    await all().history.undo();
    await all().history.undo();
    await all().history.undo();
  });
  expect(text('cpu')).toBe('CPU');
  expect(all().history.canUndo).toBe(false);
  expect(all().history.canRedo).toBe(true);
  const page = await all().history.page({ limit: 2 });
  expect(page.entries).toHaveLength(2);

  await waitFor(() => expect(dashboard.sendData({ cpu: { data: 42, mode: 'replace' } })).toBe(true));
  await waitFor(() => expect(all().data).toBe(42));
});

test('presence: whom one sees, and what they are at (W3)', async () => {
  const { dashboard } = await someoneElse();
  const client = newClient('me');
  render(
    <DashboardRealtimeProvider client={client} dashboardId={dashboardId} presence={{ name: 'Me' }}>
      <Others />
      <WidgetRealtime id="cpu">
        <input aria-label="title" />
      </WidgetRealtime>
    </DashboardRealtimeProvider>,
  );
  dashboard.setPresence({ name: 'Ana', color: '#223344', widgetId: 'cpu', mode: 'drag' });
  await waitFor(() => expect(screen.getByText('others: Ana')).toBeTruthy());
  await waitFor(() => expect(screen.getByText('Ana is moving')).toBeTruthy());
  screen.getByLabelText('title').focus();
  await waitFor(() =>
    expect(dashboard.presence.getSnapshot().map((one) => one.state)).toContainEqual({
      name: 'Me',
      widgetId: 'cpu',
      mode: 'edit',
    }),
  );

  const session = client.connection.getSnapshot().sessionId;
  act(() => client.setOffline(true));
  act(() => client.setOffline(false));
  await waitFor(() => expect(client.connection.getSnapshot().sessionId).not.toBe(session));
  await waitFor(() => expect(client.sync.getSnapshot().state).toBe('saved'));
  expect(screen.getAllByText(/^others: /).map((one) => one.textContent)).toEqual(['others: Ana']);
});

test('offline edits are listed, then clash, and a person decides (M6, M10)', async () => {
  const { dashboard } = await someoneElse();
  const client = newClient('me');
  render(
    <DashboardRealtimeProvider client={client} dashboardId={dashboardId}>
      <DashboardSyncIndicator />
      <PendingOperationsBadge />
      <ConflictBadge />
      <Titles />
    </DashboardRealtimeProvider>,
  );
  await waitFor(() => expect(text('cpu')).toBe('CPU'));
  const status = screen.getByRole('status');
  await waitFor(() => expect(status.textContent).toBe('Saved'));

  act(() => client.setOffline(true));
  await act(async () => {
    client.dashboard(dashboardId).updateWidget('cpu', { set: { '/title': 'Mine' } }, { policy: 'ask' });
  });
  expect(text('cpu')).toBe('Mine');
  await waitFor(() => expect(status.textContent).toBe('Offline: 1 change not saved'));
  fireEvent.click(await screen.findByRole('button', { expanded: false }));
  expect(screen.getByRole('region').textContent).toContain('closing this page loses them');
  fireEvent.click(screen.getByRole('button', { name: 'Close' }));

  expect((await dashboard.updateWidget('cpu', { set: { '/title': 'Theirs' } }).done).state).toBe('settled');
  act(() => client.setOffline(false));
  await waitFor(() => expect(status.textContent).toBe('Needs your decision (1)'));
  expect(text('cpu')).toBe('Theirs');
  expect(screen.queryByRole('dialog')).toBeNull();

  fireEvent.click(screen.getByRole('button', { name: 'Needs your decision (1)' }));
  const dialog = screen.getByRole('dialog');
  const cells = [...dialog.querySelectorAll('.dw-value')].map((cell) => cell.textContent);
  expect(cells).toEqual(['CPU', 'Mine', 'Theirs']);
  await waitFor(() => expect(dialog.textContent).toMatch(/Theirs3ana, (?!version)/));
  fireEvent.keyDown(screen.getByRole('group', { name: 'title' }), { key: '2' });
  fireEvent.click(screen.getByRole('button', { name: 'Use what I chose' }));
  await waitFor(() => expect(dashboard.widget('cpu').getSnapshot()?.title).toBe('Mine'));
  await waitFor(() => expect(status.textContent).toBe('Saved'));
  expect(screen.queryByRole('dialog')).toBeNull();
  expect(text('cpu')).toBe('Mine');
});

type Drawn = Map<string, number>;

const Counted = memo(function Counted({ id, drawn }: { readonly id: string; readonly drawn: Drawn }) {
  const [widget, update] = useWidget(id);
  drawn.set(id, (drawn.get(id) ?? 0) + 1);
  return (
    <WidgetRealtime id={id}>
      <button type="button" data-testid={id} onClick={() => update({ set: { '/title': 'mine' } })}>
        {String(widget?.title)}
      </button>
    </WidgetRealtime>
  );
});

test('a widget that is gone may be brought back, one that was changed may go all the same (M9, M10)', async () => {
  const { dashboard } = await someoneElse();
  const client = newClient('me');
  render(
    <DashboardRealtimeProvider client={client} dashboardId={dashboardId}>
      <ConflictBadge />
      <Titles />
    </DashboardRealtimeProvider>,
  );
  await waitFor(() => expect(text('disk')).toBe('Disk'));
  const mine = client.dashboard(dashboardId);
  act(() => client.setOffline(true));
  act(() => {
    mine.updateWidget('cpu', { set: { '/title': 'Mine' } });
    mine.deleteWidget('disk', { policy: 'ask' });
  });
  expect(screen.queryByTestId('disk')).toBeNull();
  expect((await dashboard.deleteWidget('cpu').done).state).toBe('settled');
  expect((await dashboard.updateWidget('disk', { set: { '/title': 'Theirs' } }).done).state).toBe('settled');
  act(() => client.setOffline(false));

  fireEvent.click(await screen.findByRole('button', { name: 'Needs your decision (2)' }));
  expect(screen.queryByTestId('cpu')).toBeNull();
  expect(text('disk')).toBe('Theirs');
  fireEvent.click(screen.getByRole('button', { name: 'Bring it back with my change' }));
  await waitFor(() => expect(dashboard.widget('cpu').getSnapshot()?.title).toBe('Mine'));
  fireEvent.click(screen.getByRole('button', { name: 'Delete it anyway' }));
  await waitFor(() => expect(dashboard.widget('disk').getSnapshot()).toBeUndefined());
  await waitFor(() => expect(text('cpu')).toBe('Mine'));
  expect(screen.queryByRole('dialog')).toBeNull();
  mine.close();
});

test('a change that waits on this device outlives the page, and leaving the page is not held up', async () => {
  const { dashboard } = await someoneElse();
  const page = (client: DashwireClient) => (
    <DashboardRealtimeProvider client={client} dashboardId={dashboardId}>
      <DashboardSyncIndicator />
      <Titles />
    </DashboardRealtimeProvider>
  );
  const leave = () => {
    const event = new window.Event('beforeunload', { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };
  const tab = { storage: 'indexeddb', clientId: 'tab' } as const; // which a tab keeps over reloads
  const first = newClient('me', tab);
  const { unmount } = render(page(first));
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('Saved'));
  act(() => first.setOffline(true));
  act(() => {
    first.dashboard(dashboardId).updateWidget('cpu', { set: { '/title': 'Kept' } });
  });
  expect(leave()).toBe(true);
  await waitFor(() => expect(leave()).toBe(false));
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('Offline: 1 change kept on this device'));
  unmount();
  await first.destroy();

  render(page(newClient('me', tab)));
  await waitFor(() => expect(text('cpu')).toBe('Kept'));
  await waitFor(() => expect(dashboard.widget('cpu').getSnapshot()?.title).toBe('Kept'));
  await waitFor(() => expect(screen.getByRole('status').textContent).toBe('Saved'));
});

function All({ drawn }: { readonly drawn: Drawn }) {
  return useWidgetIds().map((id) => <Counted key={id} id={id} drawn={drawn} />);
}

function Live() {
  return <p>{useConnectionStatus().state}</p>;
}

function Who() {
  return <p>I am {useConnectionStatus().userId}</p>;
}

function Others() {
  return useOthers().map((one) => <p key={one.sessionId}>others: {personOf(one).name}</p>);
}

interface Everything {
  readonly status: string;
  readonly mutation: Mutations;
  readonly history: History;
  readonly move: ReturnType<typeof useLayout>[1];
  readonly place: object | undefined;
  readonly updateSettings: ReturnType<typeof useSettings>[1];
  readonly title: Json | undefined;
  readonly data: Json | undefined;
}

function Hand({ hand }: { readonly hand: { all?: Everything } }) {
  const { status } = useDashboardState();
  const mutation = useMutation();
  const history = useHistory();
  const [layout, move] = useLayout();
  const [settings, updateSettings] = useSettings();
  const data = useWidgetData('cpu')?.data;
  useEffect(() => {
    hand.all = {
      status,
      mutation,
      history,
      move,
      place: layout?.items.disk,
      updateSettings,
      title: settings.title,
      data,
    };
  });
  return null;
}
