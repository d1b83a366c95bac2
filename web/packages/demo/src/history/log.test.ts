// @vitest-environment node
import { createClient, type Dashboard, type DashwireClient, DashwireError, type Readable } from '@dashwire/client';
import { afterAll, beforeAll, describe, expect, it, vi } from 'vitest';
import { startServer, type TestServer } from '../../../../testing/server.ts';
import { pause } from '../shell/away.ts';
import { HistoryLog } from './log.ts';
import { Past } from './past.ts';

let server: TestServer;
let client: DashwireClient;

beforeAll(async () => {
  server = await startServer();
  client = createClient({ url: server.url, userId: 'ana', storage: 'memory', draftMs: 0 });
}, 120_000);

afterAll(async () => {
  await client.destroy();
  await server.dispose();
});

/** Waits for the value that is wanted. */
function until<T>(readable: Readable<T>, wanted: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const look = () => {
      const value = readable.getSnapshot();
      if (!wanted(value)) return false;
      stop();
      resolve(value);
      return true;
    };
    const stop = readable.subscribe(() => void look());
    look();
  });
}

/** Runs what uses timers of its own. */
async function withTimers(run: () => Promise<void>): Promise<void> {
  vi.useFakeTimers();
  try {
    await run();
  } finally {
    vi.useRealTimers();
  }
}

const away = new DashwireError('NETWORK', 'a part of this page could not be fetched: reload the page', {
  retryable: true,
});

/** A dashboard with so many versions: the first makes it, the last renames its widget. */
async function withVersions(id: string, versions: number): Promise<Dashboard> {
  await client.dashboards.create({ id, title: id });
  const dashboard = client.dashboard(id);
  await until(dashboard.state, ({ status }) => status === 'ready');
  await dashboard.createWidget({ type: 'text', title: 'First' }, { id: 'a' }).done;
  for (let version = 3; version <= versions; version++) {
    await dashboard.updateWidget('a', { set: { '/title': `Title ${version}` } }).done;
  }
  expect(dashboard.state.getSnapshot().version).toBe(versions);
  return dashboard;
}

describe('HistoryLog', () => {
  it('H3 loads page by page, in words, down to the first version', async () => {
    const dashboard = await withVersions('paged', 60);
    const log = new HistoryLog(dashboard);
    await log.refresh();
    const { rows, hasMore } = log.state.getSnapshot();
    expect([rows.length, rows[0]?.version, hasMore]).toEqual([50, 60, true]);
    expect(rows[0]).toMatchObject({ words: 'Renamed a tile to “Title 60”', author: { userId: 'ana' } });
    await log.more();
    const all = log.state.getSnapshot();
    expect(all.rows.map(({ version }) => version)).toEqual(Array.from({ length: 60 }, (_, i) => 60 - i));
    expect(all.hasMore).toBe(false);
    expect(all.rows.slice(-2).map(({ words }) => words)).toEqual(['Added First', 'Made the dashboard']);
    await log.more();
    expect(log.state.getSnapshot()).toBe(all);
    dashboard.close();
  });

  it('H3 puts what is new before what it knows, and never leaves a gap', async () => {
    const dashboard = await withVersions('grows', 4);
    const log = new HistoryLog(dashboard);
    await log.refresh();
    for (let i = 0; i < 55; i++) await dashboard.updateSettings({ set: { '/n': i } }).done;
    await log.refresh();
    const far = log.state.getSnapshot();
    expect(far.rows.map(({ version }) => version)).toEqual(Array.from({ length: 50 }, (_, i) => 59 - i));
    expect(far.hasMore).toBe(true);
    await dashboard.updateSettings({ set: { '/n': 'last' } }).done;
    await log.refresh();
    await log.more();
    expect(log.state.getSnapshot().rows.map(({ version }) => version)).toEqual(
      Array.from({ length: 60 }, (_, i) => 60 - i),
    );
    const found = await log.find(12, new AbortController().signal);
    expect(found).toMatchObject({ version: 12, words: 'Changed the dashboard: n' });
    dashboard.close();
  });

  it('says why there is nothing to show', async () => {
    const log = new HistoryLog({
      history: () => Promise.reject(new Error('lost')),
      widget: () => ({ getSnapshot: () => undefined, subscribe: () => () => {} }),
    });
    await log.refresh();
    expect(log.state.getSnapshot()).toMatchObject({ rows: [], loading: null, error: 'The history could not be read.' });
  });

  it('says what else went wrong, and comes by itself where it can, or once connected again', () =>
    withTimers(async () => {
      const history = vi.fn<Dashboard['history']>();
      const log = new HistoryLog({
        history,
        widget: () => ({ getSnapshot: () => undefined, subscribe: () => () => {} }),
      });
      const error = () => log.state.getSnapshot().error;
      history.mockRejectedValue(new DashwireError('UNAVAILABLE', 'HTTP 502: try again', { retryable: true }));
      await log.refresh();
      expect(error()).toBe('HTTP 502: try again. It comes by itself as soon as it can.');
      history.mockRejectedValue(new DashwireError('INTERNAL', 'look at the address'));
      await vi.advanceTimersByTimeAsync(2 * pause);
      expect([error(), history.mock.calls.length]).toEqual(['Look at the address.', 2]);
      history.mockResolvedValue({ entries: [], before: null });
      log.back();
      await vi.advanceTimersByTimeAsync(0);
      expect(log.state.getSnapshot()).toMatchObject({ loading: null, error: null });
      log.back();
      expect(history).toHaveBeenCalledTimes(3);
    }));

  it('says that it needs the connection, and comes by itself once that is back', () =>
    withTimers(async () => {
      const history = vi.fn<Dashboard['history']>().mockRejectedValue(away);
      const log = new HistoryLog({
        history,
        widget: () => ({ getSnapshot: () => undefined, subscribe: () => () => {} }),
      });
      await log.refresh();
      const error = 'The history needs the connection. It comes by itself once that is back.';
      const heard: unknown[] = [];
      log.state.subscribe(() => heard.push(log.state.getSnapshot().error));
      await vi.advanceTimersByTimeAsync(2 * pause);
      expect(history).toHaveBeenCalledTimes(3);
      expect(heard).toEqual([error, error]); // it does not flicker
      const author = { userId: 'ana', clientId: null };
      const entry = { version: 1, timestamp: '2026-11-23T12:00:00Z', author, type: 'WIDGET_UPDATE', change: {} };
      history.mockResolvedValue({ entries: [entry], before: null } as never);
      await vi.advanceTimersByTimeAsync(pause);
      expect(log.state.getSnapshot()).toMatchObject({ rows: [{ version: 1 }], loading: null, error: null });
      history.mockRejectedValue(away);
      await log.refresh();
      log.stop();
      await vi.advanceTimersByTimeAsync(2 * pause);
      expect(history).toHaveBeenCalledTimes(5);
    }));
});

describe('Past', () => {
  it('H3 shows the version where scrubbing came to rest, and asks for no other', async () => {
    const dashboard = await withVersions('scrubbed', 6);
    const asked: number[] = [];
    const past = new Past({
      state: dashboard.state,
      versionAt: (version, options) => {
        asked.push(version);
        return dashboard.versionAt(version, options);
      },
    });
    for (const version of [5, 4, 3]) past.show(version);
    const shown = await until(past.state, ({ loading }) => !loading);
    expect([shown.version, shown.document?.version, shown.document?.widgets.a?.title]).toEqual([3, 3, 'Title 3']);
    expect(asked).toEqual([3]);
    past.show(null);
    expect(past.state.getSnapshot()).toEqual({ version: null, document: null, loading: false, error: null });
    past.show(3);
    expect(past.state.getSnapshot()).toMatchObject({ loading: false, document: { version: 3 } });
    expect(asked).toEqual([3]);
    past.stop();
    dashboard.close();
  });

  it('shows a version by itself once the connection is back', () =>
    withTimers(async () => {
      const versionAt = vi.fn<Dashboard['versionAt']>().mockRejectedValueOnce(away);
      const past = new Past({ state: client.dashboard('nothing').state, versionAt });
      past.show(3);
      await vi.advanceTimersByTimeAsync(pause - 1);
      expect(past.state.getSnapshot().error).toBe(
        'Version 3 needs the connection. It comes by itself once that is back.',
      );
      versionAt.mockResolvedValue({ epoch: '', version: 3, settings: {}, widgets: {}, layouts: {} } as never);
      await vi.advanceTimersByTimeAsync(pause);
      expect(past.state.getSnapshot()).toMatchObject({ document: { version: 3 }, error: null });
      past.stop();
    }));

  it('shows a version that could not be read once connected again', () =>
    withTimers(async () => {
      const versionAt = vi.fn<Dashboard['versionAt']>();
      const past = new Past({ state: client.dashboard('nothing').state, versionAt });
      versionAt.mockRejectedValue(new DashwireError('NOT_FOUND', 'look at the address'));
      past.show(3);
      await vi.advanceTimersByTimeAsync(2 * pause);
      expect(past.state.getSnapshot()).toMatchObject({ loading: false, error: 'Look at the address.' });
      expect(versionAt).toHaveBeenCalledTimes(1);
      versionAt.mockResolvedValue({ epoch: '', version: 3, settings: {}, widgets: {}, layouts: {} } as never);
      past.back();
      await vi.advanceTimersByTimeAsync(0);
      expect(past.state.getSnapshot()).toMatchObject({ document: { version: 3 }, error: null });
      past.show(null);
      past.back();
      expect(versionAt).toHaveBeenCalledTimes(2);
      past.stop();
    }));

  it('says what keeps a version from being shown', async () => {
    const dashboard = await withVersions('short', 3);
    const past = new Past(dashboard);
    past.show(99);
    const { error, document } = await until(past.state, ({ loading }) => !loading);
    expect(document).toBeNull();
    expect(error).toMatch(/^[A-Z].*\.$/);
    dashboard.close();
  });

  it('H3 a copy of a version has its content, and begins its own history', async () => {
    const dashboard = await withVersions('source', 5);
    const { id } = await client.dashboards.duplicate('source', { title: 'As it was', version: 3 });
    const copy = await client.dashboards.get(id);
    expect([copy.version, copy.settings.title, copy.widgets.a?.title]).toEqual([1, 'As it was', 'Title 3']);
    dashboard.close();
  });
});
