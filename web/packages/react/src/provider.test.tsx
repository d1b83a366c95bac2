import { Store } from '@dashwire/client';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { type ReactNode, StrictMode, useEffect, useState } from 'react';
import { renderToString } from 'react-dom/server';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { pendingOperation, Scene } from '../test/scene.ts';
import { useClient } from './hooks/useClient.ts';
import { useDashboard } from './hooks/useDashboard.ts';
import { usePresence } from './hooks/usePresence.ts';
import { useSyncStatus } from './hooks/useSyncStatus.ts';
import { useTexts } from './hooks/useTexts.ts';
import { DashboardRealtimeProvider, type DashboardRealtimeProviderProps } from './provider.tsx';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => {
  cleanup();
  vi.restoreAllMocks();
});

function Id({ of }: { readonly of?: string }) {
  return <p>{useDashboard(of).id}</p>;
}

describe('the dashboard', () => {
  test('is there from the first drawing on, and is closed with the provider', async () => {
    const { unmount } = render(
      <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
        <Id />
      </DashboardRealtimeProvider>,
    );
    expect(screen.getByText('d1')).toBeTruthy();
    expect(scene.open.get('d1')).toBe(1);
    unmount();
    await act(async () => {});
    expect(scene.open.get('d1')).toBe(0);
    expect(scene.calls).toEqual([]);
  });

  test('is never let go of in between when effects run twice', async () => {
    const seen: number[] = [];
    const set = scene.open.set.bind(scene.open);
    vi.spyOn(scene.open, 'set').mockImplementation((id, count) => {
      seen.push(count);
      return set(id, count);
    });
    const { unmount } = render(
      <StrictMode>
        <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
          <Id />
        </DashboardRealtimeProvider>
      </StrictMode>,
    );
    await act(async () => {});
    expect(seen).toEqual([1, 2, 1]);
    unmount();
    await act(async () => {});
    expect(seen).toEqual([1, 2, 1, 0]);
  });

  test('is replaced by another one without losing what is inside', async () => {
    const page = (id: string) => (
      <DashboardRealtimeProvider client={scene.client} dashboardId={id}>
        <Id />
        <Counter />
      </DashboardRealtimeProvider>
    );
    const { rerender } = render(page('d1'));
    fireEvent.click(screen.getByRole('button'));
    rerender(page('d2'));
    await act(async () => {});
    expect(screen.getByText('d2')).toBeTruthy();
    expect(screen.getByRole('button').textContent).toBe('1');
    expect(Object.fromEntries(scene.open)).toEqual({ d1: 0, d2: 1 });
  });

  test('of another client is opened there', async () => {
    const other = new Scene();
    const page = (client: Scene) => (
      <DashboardRealtimeProvider client={client.client} dashboardId="d1">
        <Id />
      </DashboardRealtimeProvider>
    );
    const { rerender } = render(page(scene));
    rerender(page(other));
    await act(async () => {});
    expect(scene.open.get('d1')).toBe(0);
    expect(other.open.get('d1')).toBe(1);
  });
});

describe('providers in one another', () => {
  test('share the outer client, for several dashboards', () => {
    const clients = new Set<unknown>();
    render(
      <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
        <DashboardRealtimeProvider dashboardId="d2">
          <Client told={clients} />
          <Id />
          <Id of="d1" />
        </DashboardRealtimeProvider>
        <DashboardRealtimeProvider texts={{ close: 'Zu' }}>
          <Client told={clients} />
          <Word />
        </DashboardRealtimeProvider>
      </DashboardRealtimeProvider>,
    );
    expect([...clients]).toEqual([scene.client]);
    expect(screen.getByText('d2')).toBeTruthy();
    expect(screen.getByText('d1')).toBeTruthy();
    expect(screen.getByText('Zu in d1')).toBeTruthy();
    expect(Object.fromEntries(scene.open)).toEqual({ d1: 1, d2: 1 });
  });

  test('a hook without its provider says what is missing', () => {
    vi.spyOn(console, 'error').mockImplementation(() => {});
    expect(() => render(<Id />)).toThrow('Put a <DashboardRealtimeProvider dashboardId="…"> around this component.');
    expect(() => render(<Sync />)).toThrow('Put a <DashboardRealtimeProvider> around this component.');
    expect(() =>
      render(
        <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
          <Id of="d2" />
        </DashboardRealtimeProvider>,
      ),
    ).toThrow('Put a <DashboardRealtimeProvider dashboardId="d2"> around this component.');
  });
});

test('presence: who one is, once, however often the page is drawn; what changes is sent together (W3)', async () => {
  const hand: { update?: UpdatePresence } = {};
  const page = (name: string) => (
    <DashboardRealtimeProvider client={scene.client} dashboardId="d1" presence={{ name }}>
      <Cursor hand={hand} />
    </DashboardRealtimeProvider>
  );
  const { rerender } = render(page('Me'));
  await act(async () => {});
  rerender(page('Me'));
  await act(async () => {});
  expect(scene.calls).toEqual([['setPresence', { name: 'Me' }]]);
  await act(async () => {
    hand.update?.({ cursor: { x: 1 } });
    hand.update?.({ widgetId: 'cpu' });
  });
  rerender(page('Myself'));
  await act(async () => hand.update?.({ cursor: null }));
  expect(scene.calls.slice(1)).toEqual([
    ['setPresence', { name: 'Me', cursor: { x: 1 }, widgetId: 'cpu' }],
    ['setPresence', { name: 'Myself', widgetId: 'cpu' }],
  ]);
  rerender(
    <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
      <DashboardRealtimeProvider presence={{ name: 'of no dashboard' }} />
    </DashboardRealtimeProvider>,
  );
  await act(async () => {});
  expect(scene.calls.at(-1)).toEqual(['setPresence', { widgetId: 'cpu' }]);
});

describe('the guard of what is not saved', () => {
  const asks = () => {
    const event = new Event('beforeunload', { cancelable: true });
    window.dispatchEvent(event);
    return event.defaultPrevented;
  };

  test('asks only while closing the page would lose a change', () => {
    const { unmount } = render(<DashboardRealtimeProvider client={scene.client} />);
    expect(asks()).toBe(false);
    act(() => scene.pending.set([pendingOperation({ persisted: true })]));
    expect(asks()).toBe(false);
    act(() => scene.pending.set([pendingOperation({ persisted: false, state: 'acked' })]));
    expect(asks()).toBe(false);
    for (const state of ['draft', 'queued', 'in-flight', 'in-doubt', 'rejected', 'conflicted'] as const) {
      act(() => scene.pending.set([pendingOperation(), pendingOperation({ id: 'op2', persisted: false, state })]));
      expect(asks()).toBe(true);
    }
    act(() => scene.pending.set([]));
    expect(asks()).toBe(false);
    act(() => scene.pending.set([pendingOperation({ persisted: false })]));
    unmount();
    expect(asks()).toBe(false);
  });

  test('listens only then', () => {
    const add = vi.spyOn(window, 'addEventListener');
    render(<DashboardRealtimeProvider client={scene.client} />);
    expect(add).not.toHaveBeenCalledWith('beforeunload', expect.anything());
  });

  test('can be switched off, and then nested providers do not bring it back', () => {
    scene.pending.set([pendingOperation({ persisted: false })]);
    render(
      <DashboardRealtimeProvider client={scene.client} unsavedGuard={false}>
        <DashboardRealtimeProvider dashboardId="d1" />
      </DashboardRealtimeProvider>,
    );
    expect(asks()).toBe(false);
  });
});

test('new texts draw again only what shows words', () => {
  const drawn = vi.fn();
  const inside: ReactNode = [<Silent key="silent" drawn={drawn} />, <Word key="word" />];
  const page = (close: string) => (
    <DashboardRealtimeProvider client={scene.client} dashboardId="d1" texts={{ close }}>
      {inside}
    </DashboardRealtimeProvider>
  );
  const { rerender } = render(page('Zu'));
  const before = drawn.mock.calls.length;
  rerender(page('Fermer'));
  expect(screen.getByText('Fermer in d1')).toBeTruthy();
  expect(drawn).toHaveBeenCalledTimes(before);
});

test('a readable may have methods that need their object', () => {
  const bare = new Store({ ...scene.sync.getSnapshot(), state: 'offline' as const });
  Object.assign(scene.client, {
    sync: {
      getSnapshot() {
        if (this === undefined) throw new Error('unbound');
        return bare.getSnapshot();
      },
      subscribe(listener: () => void) {
        if (this === undefined) throw new Error('unbound');
        return bare.subscribe(listener);
      },
    },
  });
  render(
    <DashboardRealtimeProvider client={scene.client}>
      <Sync />
    </DashboardRealtimeProvider>,
  );
  expect(screen.getByText('offline')).toBeTruthy();
});

type UpdatePresence = ReturnType<typeof usePresence>[1];

function Client({ told }: { readonly told: Set<unknown> }) {
  const client = useClient();
  useEffect(() => {
    told.add(client);
  }, [client, told]);
  return null;
}

function Cursor({ hand }: { readonly hand: { update?: UpdatePresence } }) {
  const [, update] = usePresence();
  useEffect(() => {
    hand.update = update;
  }, [hand, update]);
  return null;
}

function Silent({ drawn }: { readonly drawn: () => void }) {
  useDashboard();
  drawn();
  return null;
}

test('on a server nothing is drawn, made or opened', () => {
  const page = (props: DashboardRealtimeProviderProps) =>
    renderToString(
      <DashboardRealtimeProvider {...props}>{props.dashboardId ? <Id /> : <Sync />}</DashboardRealtimeProvider>,
    );
  expect(page({ url: 'not an address', dashboardId: 'd1' })).toBe('');
  expect(page({ client: scene.client, dashboardId: 'd1' })).toBe('');
  expect(page({ client: scene.client })).toBe('<p>saved</p>');
  expect(scene.open.size).toBe(0);
});

function Counter() {
  const [count, setCount] = useState(0);
  return (
    <button type="button" onClick={() => setCount(count + 1)}>
      {count}
    </button>
  );
}

function Sync() {
  return <p>{useSyncStatus().state}</p>;
}

function Word() {
  return <p>{`${useTexts().close} in ${useDashboard().id}`}</p>;
}
