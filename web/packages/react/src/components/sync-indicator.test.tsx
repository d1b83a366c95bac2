import { DashwireError, type SyncState } from '@dashwire/client';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../test/axe.ts';
import { live, Scene, saved } from '../../test/scene.ts';
import { DashboardRealtimeProvider } from '../provider.tsx';
import { DashboardSyncIndicator, type DashboardSyncIndicatorProps } from './sync-indicator.tsx';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
});

function show(props: DashboardSyncIndicatorProps = {}) {
  return render(
    <DashboardRealtimeProvider client={scene.client}>
      <DashboardSyncIndicator {...props} />
    </DashboardRealtimeProvider>,
  );
}

const words: readonly (readonly [SyncState, string, string])[] = [
  ['saved', 'Saved', 'check'],
  ['offline', 'Offline: 3 changes kept on this device', 'cut'],
  ['reconnecting', 'Reconnecting…', 'ring'],
  ['conflict', 'Needs your decision (2)', 'triangle'],
  ['needs-auth', 'Sign in again', 'triangle'],
  ['read-only', 'Read only', 'lock'],
  ['fallback', 'Saved (slow connection)', 'check'],
  ['rejected', 'Not saved (1)', 'diamond'],
  ['incompatible', 'Reload to update', 'triangle'],
  ['storage-full', 'Not saved: storage is full', 'diamond'],
  ['closed', 'Not connected', 'diamond'],
  ['loading', 'Loading…', 'ring'],
];

describe.each(['dot', 'pill', 'full'] as const)('as a %s', (variant) => {
  test.each(words)('%s says "%s" with a shape', async (state, text, shape) => {
    scene.sync.set({ ...saved, state, pending: 3, conflicts: 2, rejected: 1 });
    const { container } = show({ variant });
    const status = screen.getByRole('status');
    expect(status.textContent).toBe(text);
    expect(status.querySelector('svg')?.getAttribute('data-dw-shape')).toBe(shape);
    await expectAccessible(container);
  });
});

test('what waits for a person is a way there where the app has one; the other words are no buttons', async () => {
  const onConflicts = vi.fn();
  const onPending = vi.fn();
  const onSignIn = vi.fn();
  scene.sync.set({ ...saved, state: 'conflict', conflicts: 2 });
  const { container } = show({ onConflicts, onPending, onSignIn });
  fireEvent.click(screen.getByRole('button', { name: 'Needs your decision (2)' }));
  expect(screen.getByRole('status').textContent).toBe('Needs your decision (2)');
  await expectAccessible(container);
  act(() => scene.sync.set({ ...saved, state: 'rejected', rejected: 1 }));
  fireEvent.click(screen.getByRole('button', { name: 'Not saved (1)' }));
  expect([onConflicts.mock.calls.length, onPending.mock.calls.length]).toEqual([1, 1]);
  act(() => scene.sync.set({ ...saved, state: 'needs-auth' }));
  fireEvent.click(screen.getByRole('button', { name: 'Sign in again' }));
  expect(onSignIn).toHaveBeenCalledOnce();
  act(() => scene.sync.set(saved));
  expect(screen.queryByRole('button')).toBeNull();
});

test('without a way there it is words alone', () => {
  scene.sync.set({ ...saved, state: 'conflict', conflicts: 2 });
  show();
  expect(screen.queryByRole('button')).toBeNull();
});

test('offline with nothing pending, one change, and changes that are not kept', () => {
  scene.sync.set({ ...saved, state: 'offline' });
  show();
  const status = screen.getByRole('status');
  expect(status.textContent).toBe('Offline');
  act(() => scene.sync.set({ ...saved, state: 'offline', pending: 1 }));
  expect(status.textContent).toBe('Offline: 1 change kept on this device');
  act(() => scene.sync.set({ ...saved, state: 'offline', pending: 2, durable: false }));
  expect(status.textContent).toBe('Offline: 2 changes not saved');
});

test('"Saving…" comes after 400 ms, and what was there before stays until then', () => {
  vi.useFakeTimers();
  scene.sync.set({ ...saved, state: 'fallback' });
  show();
  const status = screen.getByRole('status');
  act(() => scene.sync.set({ ...saved, state: 'saving', pending: 1, pendingSince: Date.now() }));
  act(() => vi.advanceTimersByTime(399));
  expect(status.textContent).toBe('Saved (slow connection)');
  act(() => vi.advanceTimersByTime(1));
  expect(status.textContent).toBe('Saving…');
  act(() => scene.sync.set({ ...saved }));
  expect(status.textContent).toBe('Saved');

  act(() => scene.sync.set({ ...saved, state: 'saving', pending: 1, pendingSince: Date.now() }));
  act(() => vi.advanceTimersByTime(300));
  act(() => scene.sync.set({ ...saved }));
  act(() => vi.advanceTimersByTime(1000));
  expect(status.textContent).toBe('Saved');
});

test('A7 what may be out of date is not called saved, and what matters more is still said', async () => {
  const { container } = render(
    <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
      <DashboardSyncIndicator />
    </DashboardRealtimeProvider>,
  );
  const status = screen.getByRole('status');
  const { state } = scene.stage('d1');
  expect(status.textContent).toBe('Saved');
  act(() => state.set({ ...state.getSnapshot(), stale: true }));
  expect(status.textContent).toBe('May be out of date');
  expect(container.querySelector('.dw-sync')?.getAttribute('data-dw-tone')).toBe('attention');
  await expectAccessible(container);
  for (const [word, text] of [
    ['read-only', 'May be out of date'],
    ['fallback', 'May be out of date'],
    ['conflict', 'Needs your decision (1)'],
    ['reconnecting', 'Reconnecting…'],
  ] as const) {
    act(() => scene.sync.set({ ...saved, state: word, conflicts: 1 }));
    expect(status.textContent).toBe(text);
  }
  act(() => {
    scene.sync.set(saved);
    state.set({ ...state.getSnapshot(), stale: false });
  });
  expect(status.textContent).toBe('Saved');
});

test('a dot keeps its words for screen readers and as a tooltip', () => {
  show({ variant: 'dot' });
  const status = screen.getByRole('status');
  expect(status.title).toBe('Saved');
  expect(status.querySelector('.dw-hidden')?.textContent).toBe('Saved');
});

describe('in full', () => {
  test('says how long ago it was saved, each second, without announcing it', () => {
    vi.useFakeTimers();
    scene.sync.set({ ...saved, lastSavedAt: Date.now() - 4000 });
    const { container } = show({ variant: 'full' });
    act(() => vi.advanceTimersByTime(1000));
    expect(container.textContent).toBe('Savedlast change saved 5 s ago');
    expect(screen.getByRole('status').textContent).toBe('Saved');
  });

  test('offers what helps', () => {
    const signIn = vi.fn();
    scene.sync.set({ ...saved, state: 'reconnecting' });
    const { rerender } = show({ variant: 'full' });
    fireEvent.click(screen.getByRole('button', { name: 'Try now' }));
    expect(scene.calls).toEqual([['reconnect']]);

    act(() => scene.sync.set({ ...saved, state: 'needs-auth' }));
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    expect(scene.calls).toEqual([['reconnect'], ['reconnect']]);
    rerender(
      <DashboardRealtimeProvider client={scene.client}>
        <DashboardSyncIndicator variant="full" onSignIn={signIn} />
      </DashboardRealtimeProvider>,
    );
    fireEvent.click(screen.getByRole('button', { name: 'Sign in' }));
    expect(signIn).toHaveBeenCalledOnce();

    act(() => {
      scene.connection.set({ ...live, error: new DashwireError('FORBIDDEN', 'You may not come in.') });
      scene.sync.set({ ...saved, state: 'closed' });
    });
    expect(screen.getByText('You may not come in.')).toBeTruthy();
  });
});

describe('in full, a page that is older than its server', () => {
  afterEach(() => {
    vi.restoreAllMocks();
    vi.unstubAllGlobals();
  });

  test('is reloaded from a server that is there, and else says why not', async () => {
    scene.sync.set({ ...saved, state: 'incompatible' });
    const fetch = vi.fn().mockRejectedValue(new TypeError('Failed to fetch'));
    vi.stubGlobal('fetch', fetch);
    const reload = vi.spyOn(window.location, 'reload').mockReturnValue();
    const { container } = show({ variant: 'full' });
    const button = screen.getByRole('button', { name: 'Reload' });
    for (const answer of [undefined, new Response(null, { status: 502 })]) {
      if (answer) fetch.mockResolvedValue(answer);
      fireEvent.click(button);
      const why = 'The server cannot be reached: a reload would lose this page. Try again once you are connected.';
      expect((await screen.findByRole('alert')).textContent).toBe(why);
      expect(reload).not.toHaveBeenCalled();
    }
    await expectAccessible(container);
    fetch.mockResolvedValue(new Response());
    fireEvent.click(button);
    await expect.poll(() => reload.mock.calls.length).toBe(1);
    expect(screen.queryByRole('alert')).toBeNull();
  });
});

test('every word can be replaced, and is passed on to providers inside', () => {
  scene.sync.set({ ...saved, state: 'conflict', conflicts: 2 });
  render(
    <DashboardRealtimeProvider
      client={scene.client}
      texts={{
        sync: ({ state, conflicts }) => (state === 'conflict' ? `Bitte entscheiden (${conflicts})` : 'Gespeichert'),
      }}
    >
      <DashboardRealtimeProvider dashboardId="d1">
        <DashboardSyncIndicator />
      </DashboardRealtimeProvider>
    </DashboardRealtimeProvider>,
  );
  expect(screen.getByRole('status').textContent).toBe('Bitte entscheiden (2)');
});
