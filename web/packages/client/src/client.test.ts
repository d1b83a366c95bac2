import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { caughtUp, connect, openDashboard, until } from '../test/clients.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

describe('editing', () => {
  test('R2 two clients converge, and an edit is shown at once', async () => {
    await using ana = connect(server);
    await using bo = connect(server, { userId: 'bo' });
    const a = await openDashboard(ana, 'converge');
    const b = await openDashboard(bo, 'converge');
    const { widgetId, done } = a.createWidget({ type: 'gauge', title: 'Disk' });
    expect(a.widget(widgetId).getSnapshot()).toEqual({ type: 'gauge', title: 'Disk' });
    expect(ana.sync.getSnapshot()).toMatchObject({ state: 'saving', pending: 1 });
    expect(ana.pending.getSnapshot()).toMatchObject([{ label: 'Add Disk', state: 'draft' }]);
    expect(await done).toMatchObject({ state: 'settled', ack: { status: 'applied' } });
    expect(ana.sync.getSnapshot()).toMatchObject({ state: 'saved', pending: 0, pendingSince: null });
    await until(b.widget(widgetId), (widget) => widget !== undefined);
    const other = b.createWidget({ type: 'stat', title: 'CPU' }, { id: 'cpu', layout: { x: 0, y: 0, w: 4, h: 4 } });
    a.updateWidget(widgetId, { set: { '/title': 'Storage', '/config/unit': '%' } });
    a.move({ [widgetId]: { x: 10, y: 0 } });
    await ana.waitForSync();
    await other.done;
    await caughtUp(b, a);
    await caughtUp(a, b);
    const [left, right] = [a.state.getSnapshot(), b.state.getSnapshot()];
    expect(left.document).toEqual(right.document);
    expect(left.document).toEqual(await ana.dashboards.get('converge'));
    expect(left.document?.layouts.main?.items[widgetId]).toMatchObject({ x: 10, y: 0 });
    expect(a.widgetIds().getSnapshot()).toEqual(['cpu', widgetId]);
  });
});

describe('what views read', () => {
  test('an edit of one widget tells one of a hundred', async () => {
    await using ana = connect(server);
    await using bo = connect(server, { userId: 'bo' });
    const [a, b] = [await openDashboard(ana, 'hundred'), await openDashboard(bo, 'hundred')];
    const ids = Array.from({ length: 100 }, (_, n) => `w${n}`);
    await a.batch(ids.map((widgetId) => ({ type: 'WIDGET_UPDATE', widgetId, create: true, set: { '/n': 0 } }))).done;
    await caughtUp(b, a);
    const told: string[] = [];
    for (const [who, dashboard] of [['a', a] as const, ['b', b] as const]) {
      for (const id of ids) {
        dashboard.widget(id).subscribe(() => told.push(`${who} ${id}`));
        dashboard.pending(id).subscribe(() => who === 'b' && told.push(`${who} pending ${id}`));
      }
      dashboard.layout().subscribe(() => told.push(`${who} layout`));
      dashboard.widgetIds().subscribe(() => told.push(`${who} ids`));
      dashboard.settings.subscribe(() => told.push(`${who} settings`));
    }
    await a.updateWidget('w42', { set: { '/n': 1 } }).done;
    await caughtUp(b, a);
    expect(told).toEqual(['a w42', 'b w42']);
  });

  test('who hears of a change may edit at once', async () => {
    await using ana = connect(server);
    const a = await openDashboard(ana, 'react');
    await a.createWidget({ n: 0 }, { id: 'w' }).done;
    const stop = a.widget('w').subscribe(() => {
      stop();
      a.updateSettings({ set: { '/edited': true } });
    });
    a.updateWidget('w', { set: { '/n': 1 } });
    const { document } = a.state.getSnapshot();
    expect(document).toMatchObject({ settings: { edited: true }, widgets: { w: { n: 1 } } });
    expect(ana.pending.getSnapshot()).toHaveLength(2);
    expect(ana.sync.getSnapshot().pending).toBe(2);
    expect(await ana.waitForSync({ timeoutMs: 30_000 })).toBe(true);
    expect(await ana.dashboards.get('react')).toEqual(a.state.getSnapshot().document);
  });

  test('W1 W3 values and presence come, and presence comes again after a reconnect', async () => {
    await using ana = connect(server);
    await using bo = connect(server, { userId: 'bo' });
    const [a, b] = [await openDashboard(ana, 'here'), await openDashboard(bo, 'here')];
    await a.createWidget({ title: 'Disk' }, { id: 'disk' }).done;
    a.setPresence({ name: 'Ana' });
    await until(b.presence, ([one]) => one?.userId === 'ana');
    expect(a.sendData({ disk: { data: [1, 2], mode: 'append', window: 3 } })).toBe(true);
    expect(a.sendData({ disk: { data: [3, 4], mode: 'append', window: 3 } })).toBe(true);
    await until(b.data('disk'), (value) => String(value?.data) === '2,3,4');
    const { sessionId } = ana.connection.getSnapshot();
    ana.setOffline(true);
    expect(a.sendData({ disk: { data: 1, mode: 'replace' } })).toBe(false);
    ana.setOffline(false);
    await until(b.presence, ([one, more]) => one?.userId === 'ana' && one.sessionId !== sessionId && !more);
  });

  test('H3 names of versions, history and restoring', async () => {
    await using ana = connect(server);
    const a = await openDashboard(ana, 'versions');
    await a.updateSettings({ set: { '/title': 'One' } }).done;
    await a.updateSettings({ set: { '/title': 'Two' } }).done;
    await a.nameVersion(1, 'First');
    const [named] = await until(a.namedVersions(), (versions) => versions.length > 0);
    expect(named).toMatchObject({ version: 1, name: 'First', by: 'ana' });
    expect((await a.versionAt(1)).settings).toMatchObject({ title: 'One' });
    await a.restore(1);
    await until(a.settings, ({ title }) => title === 'One');
    expect((await a.history({ limit: 2 })).entries).toHaveLength(2);
  });
});

describe('opening and closing', () => {
  test('handles share one subscription, which outlives being closed and opened again', async () => {
    await using ana = connect(server);
    const first = await openDashboard(ana, 'churn');
    const { document } = first.state.getSnapshot();
    for (let i = 0; i < 20; i++) {
      const handle = ana.dashboard('churn');
      expect(handle.state).toBe(first.state);
      handle.close();
      handle.close();
    }
    first.close();
    const again = ana.dashboard('churn');
    expect(again.state.getSnapshot()).toMatchObject({ status: 'ready', document });
    expect((await again.updateSettings({ set: { '/n': 1 } }).done).state).toBe('settled');
    again.close();
  });

  test('a closed dashboard stays subscribed until its ops have settled, and then ends', async () => {
    const timers = new Map<number, { run: () => void; ms: number }>();
    let last = 0;
    const platform = {
      setTimeout: (run: () => void, ms: number) => {
        const id = ++last;
        timers.set(id, { run, ms });
        if (ms < 1000) setTimeout(() => timers.delete(id) && run(), ms);
        return id;
      },
      clearTimeout: (id: number) => void timers.delete(id),
    };
    await using ana = connect(server, { platform });
    const a = await openDashboard(ana, 'ends');
    const { done } = a.updateSettings({ set: { '/n': 1 } });
    a.close();
    expect((await done).state).toBe('settled');
    const linger = [...timers].find(([, { ms }]) => ms === 1000);
    timers.delete(linger?.[0] ?? 0);
    linger?.[1].run();
    expect(a.state.getSnapshot().version).toBe(1);
    const b = ana.dashboard('ends');
    expect(b.state.getSnapshot().status).toBe('loading'); // it was let go of, and is asked for again
    await until(b.settings, ({ n }) => n === 1);
    await ana.destroy();
    expect([...timers.values()]).toEqual([]);
  });

  test('many clients that come and go at once, as under StrictMode, leave nothing behind', async () => {
    const clients = Array.from({ length: 10 }, (_, n) => connect(server, { clientId: `strict-${n}` }));
    await Promise.all(clients.map((client) => client.destroy()));
    for (const client of clients) {
      expect(client.connection.getSnapshot().state).toBe('closed');
      expect(client.sync.getSnapshot().state).toBe('closed');
    }
    await using ana = connect(server, { clientId: 'strict-0' });
    await openDashboard(ana, 'strict');
  });

  test('what happens after the end does no harm', async () => {
    const ana = connect(server);
    const a = await openDashboard(ana, 'after');
    await ana.destroy();
    const { current } = a.updateSettings({ set: { '/n': 1 } });
    expect(current.getSnapshot().state).toBe('draft');
    expect(await ana.waitForSync()).toBe(false);
    expect(ana.dashboard('other').state.getSnapshot().status).toBe('loading');
    ana.reconnect();
    await ana.destroy();
  });
});

describe('edits that cannot be', () => {
  test('E6 bad paths are refused at once, in words', async () => {
    await using ana = connect(server);
    const a = await openDashboard(ana, 'paths');
    expect(() => a.updateWidget('w', { set: { title: 'x' } })).toThrow(/JSON Pointer/);
    expect(() => a.updateWidget('w', { set: { '/a': 1, '/a/b': 2 } })).toThrow(/names \/a\/b twice, or one above it/);
    expect(() => a.updateWidget('w', {})).toThrow(/changes nothing/);
    expect(ana.pending.getSnapshot()).toEqual([]);
  });

  test('drafts, and what was never sent, can be dropped', async () => {
    await using ana = connect(server);
    const a = await openDashboard(ana, 'drop');
    ana.setOffline(true);
    const { id, done } = a.updateSettings({ set: { '/n': 1 } });
    expect(ana.discard(id)).toBe(true);
    expect((await done).state).toBe('discarded');
    expect(a.settings.getSnapshot()).toEqual({});
    expect(ana.discard(id)).toBe(false);
  });
});
