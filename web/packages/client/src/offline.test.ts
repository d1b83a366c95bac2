import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProxy } from '../../../testing/proxy.ts';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { caughtUp, connect, openDashboard, until } from '../test/clients.ts';
import { TestLocks } from '../test/locks.ts';
import type { ClientOptions, DashwireClient } from './index.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

/** A browser: its disk and its locks. */
function browser() {
  const indexedDB = new IDBFactory();
  const locks = new TestLocks();
  const tab = (clientId: string, more: ClientOptions = {}): ClientOptions => {
    return { clientId, storage: 'indexeddb', platform: { indexedDB, locks: locks.manager }, ...more };
  };
  return { tab, locks, indexedDB };
}

async function offline(client: DashwireClient): Promise<void> {
  client.setOffline(true);
  await until(client.connection, ({ state }) => state === 'offline');
}

/** Everything pending is on the disk. */
async function kept(client: DashwireClient): Promise<void> {
  await until(client.pending, (pending) => pending.every(({ persisted }) => persisted));
}

describe('reload', () => {
  test('M8 with a full outbox, everything is sent once and in order', async () => {
    const { tab } = browser();
    const before = connect(server, tab('tab'));
    const a = await openDashboard(before, 'reload');
    await a.createWidget({ title: 'Disk', n: 0 }, { id: 'disk' }).done;
    await offline(before);
    const ids = new Set<string>();
    for (let n = 0; n < 100; n++) ids.add(a.createWidget({ n }, { id: `w${n}` }).id);
    for (let n = 1; n <= 20; n++) ids.add(a.updateWidget('disk', { set: { '/n': n } }).id);
    ids.add(a.deleteWidget('w0').id);
    expect(ids.size).toBe(102); // the edits of one widget are one op
    await kept(before);
    expect(before.sync.getSnapshot()).toMatchObject({ state: 'offline', pending: 102, durable: true });
    await before.destroy();

    await using after = connect(server, tab('tab'));
    expect(await after.waitForSync({ timeoutMs: 30_000 })).toBe(true);
    const b = await openDashboard(after, 'reload');
    const { document, version } = b.state.getSnapshot();
    expect(version).toBe(1 + 102);
    expect(Object.keys(document?.widgets ?? {})).toHaveLength(100);
    expect(document?.widgets.disk).toEqual({ title: 'Disk', n: 20 });
    const { entries } = await b.history({ limit: 200 });
    expect(new Set(entries.map(({ id }) => id)).size).toBe(103);
    expect(entries.every(({ author }) => author.clientId === 'tab')).toBe(true);
  });

  test('a rejected op and a conflict are still there', async () => {
    const { tab } = browser();
    await using bo = connect(server, { userId: 'bo' });
    const before = connect(server, tab('tab'));
    const a = await openDashboard(before, 'stuck');
    await a.createWidget({ title: 'Disk' }, { id: 'disk' }).done;
    const b = await openDashboard(bo, 'stuck');
    await offline(before);
    const clash = a.updateWidget('disk', { set: { '/title': 'Mine' } }, { policy: 'ask' });
    const twice = a.createWidget({ title: 'New' }, { id: 'cpu' });
    await b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
    await b.createWidget({ title: 'Taken' }, { id: 'cpu' }).done;
    before.setOffline(false);
    expect((await clash.done).state).toBe('conflicted');
    expect(await twice.done).toMatchObject({ state: 'rejected', error: { code: 'EXISTS' } });
    await kept(before);
    await before.destroy();

    await using after = connect(server, tab('tab'));
    await until(after.sync, ({ conflicts, rejected }) => conflicts === 1 && rejected === 1);
    expect(after.pending.getSnapshot()).toMatchObject([
      { id: clash.id, state: 'conflicted', label: 'Rename Disk to Mine' },
      { id: twice.id, state: 'rejected', error: { code: 'EXISTS' }, op: { set: { '/title': 'New' } } },
    ]);
    await openDashboard(after, 'stuck');
    await after.resolve(clash.id, 'mine')?.done;
    expect(after.discard(twice.id)).toBe(true);
    await after.destroy();
    await using again = connect(server, tab('tab'));
    const c = await openDashboard(again, 'stuck');
    expect(c.widget('disk').getSnapshot()).toEqual({ title: 'Mine' });
    expect(again.pending.getSnapshot()).toEqual([]);
  });

  test.each([true, false])('M13 what is decided after it is a step, if the edit was to be one: %s', async (undo) => {
    const { tab } = browser();
    await using bo = connect(server, { userId: 'bo' });
    const before = connect(server, tab('tab'));
    const id = `decided-${undo}`;
    const a = await openDashboard(before, id);
    await a.createWidget({ title: 'Disk' }, { id: 'disk' }).done;
    const b = await openDashboard(bo, id);
    await offline(before);
    const clash = a.updateWidget('disk', { set: { '/title': 'Mine' } }, { policy: 'ask', undo });
    await b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
    await kept(before);
    await before.destroy();

    await using after = connect(server, tab('tab'));
    const c = await openDashboard(after, id);
    await until(after.conflicts, (conflicts) => conflicts.length === 1);
    await after.resolve(clash.id, 'mine')?.done;
    expect(c.widget('disk').getSnapshot()?.title).toBe('Mine');
    expect(c.undoState.getSnapshot().canUndo).toBe(undo);
    await c.undo();
    expect(c.widget('disk').getSnapshot()?.title).toBe(undo ? 'Theirs' : 'Mine');
  });

  test("another user's ops are not sent, and wait for him", async () => {
    const { tab } = browser();
    const ana = connect(server, tab('tab'));
    const a = await openDashboard(ana, 'users');
    await offline(ana);
    a.updateSettings({ set: { '/title': 'Ana was here' } });
    await kept(ana);
    await ana.destroy();
    const bo = connect(server, tab('tab', { userId: 'bo' }));
    const b = await openDashboard(bo, 'users');
    await b.updateSettings({ set: { '/by': 'bo' } }).done;
    expect(b.settings.getSnapshot()).toEqual({ by: 'bo' });
    await bo.destroy();
    await using again = connect(server, tab('tab'));
    const c = await openDashboard(again, 'users');
    await again.waitForSync();
    expect(c.settings.getSnapshot()).toEqual({ by: 'bo', title: 'Ana was here' });
  });
});

describe('tabs', () => {
  test('M8 the ops of a dead tab are sent by another, as those of the client that made them', async () => {
    const { tab, locks } = browser();
    const dead = connect(server, tab('dead'));
    const a = await openDashboard(dead, 'adopt');
    await offline(dead);
    const op = a.updateSettings({ set: { '/title': 'From the grave' } });
    await kept(dead);
    await using alive = connect(server, tab('alive'));
    const b = await openDashboard(alive, 'adopt');
    expect(await alive.waitForSync()).toBe(true);
    expect(b.settings.getSnapshot()).toEqual({}); // the first tab lives
    await dead.destroy();
    expect([...locks.held]).toEqual(['dashwire:alive']);
    alive.setOffline(true); // coming back, it looks again
    alive.setOffline(false);
    await until(b.state, ({ version }) => version === 1);
    expect(b.settings.getSnapshot()).toEqual({ title: 'From the grave' });
    const { entries } = await b.history();
    expect(entries).toMatchObject([{ id: op.id, author: { userId: 'ana', clientId: 'dead' } }]);
    await until(alive.pending, (pending) => pending.length === 0);
  });
});

describe('the server', () => {
  test('A2 is killed in the middle: nothing is lost and nothing done twice', async () => {
    await using own = await startServer();
    await using ana = connect(own);
    await using bo = connect(own, { userId: 'bo' });
    const [a, b] = [await openDashboard(ana, 'kill'), await openDashboard(bo, 'kill')];
    const made = Array.from({ length: 60 }, (_, n) => a.createWidget({ n }, { id: `w${n}` }));
    await made[10]?.done;
    await own.restart();
    for (let n = 0; n < 60; n++) a.updateWidget(`w${n}`, { set: { '/twice': n * 2 } });
    const outcomes = await Promise.all(made.map(({ done }) => done));
    expect(outcomes.filter(({ state }) => state !== 'settled')).toEqual([]);
    expect(await ana.waitForSync({ timeoutMs: 30_000 })).toBe(true);
    const { document } = a.state.getSnapshot();
    expect(Object.values(document?.widgets ?? {}).filter((w) => w.twice !== Number(w.n) * 2)).toEqual([]);
    expect(Object.keys(document?.widgets ?? {})).toHaveLength(60);
    await until(bo.connection, ({ state }) => state === 'live');
    await caughtUp(b, a);
    expect(b.state.getSnapshot().document).toEqual(document);
    expect(await ana.dashboards.get('kill')).toEqual(document);
  });

  test('M8 answers that the network swallowed are found out', async () => {
    await using proxy = await startProxy(server.port);
    await using ana = connect(proxy);
    const a = await openDashboard(ana, 'swallowed');
    await a.createWidget({ n: 0 }, { id: 'w' }).done;
    await using bo = connect(server, { userId: 'bo' });
    const b = await openDashboard(bo, 'swallowed');
    proxy.stall(true);
    const op = a.updateWidget('w', { set: { '/n': 1 } });
    await until(op.current, ({ state }) => state === 'in-flight');
    proxy.cut();
    proxy.stall(false);
    await until(op.current, ({ state }) => state === 'in-doubt');
    expect((await op.done).state).toBe('settled');
    await caughtUp(b, a);
    expect(b.widget('w').getSnapshot()).toEqual({ n: 1 });
    expect(op.current.getSnapshot().attempts).toBe(2);
  });
});

describe('reading', () => {
  test('H2 over events and POST, ops settle when the stream has reached them', async () => {
    await using proxy = await startProxy(server.port);
    proxy.blockWebSocket('403');
    await using ana = connect(proxy);
    await using bo = connect(server, { userId: 'bo' });
    const [a, b] = [await openDashboard(ana, 'fallback'), await openDashboard(bo, 'fallback')];
    await until(ana.sync, ({ state }) => state === 'fallback');
    const made = Array.from({ length: 10 }, (_, n) => a.createWidget({ n }, { id: `w${n}` }));
    const outcomes = await Promise.all(made.map(({ done }) => done));
    expect(outcomes.map(({ state, ack }) => [state, ack?.version])).toEqual(made.map((_, n) => ['settled', n + 1]));
    await a.updateWidget('w1', { set: { '/n': 'mine' } }).done;
    await caughtUp(b, a);
    await b.updateWidget('w1', { set: { '/n': 'theirs' } }).done;
    await caughtUp(a, b);
    expect(await a.undo()).toMatchObject({ skipped: ['/n'] });
    expect(ana.sync.getSnapshot()).toMatchObject({ state: 'fallback', pending: 0 });
    expect(a.state.getSnapshot().document).toEqual(b.state.getSnapshot().document);
  });

  test('R8 a document in many parts is joined', async () => {
    await using ana = connect(server);
    await using bo = connect(server, { userId: 'bo' });
    const a = await openDashboard(ana, 'parts');
    const text = 'x'.repeat(20_000);
    for (let n = 0; n < 40; n += 20) {
      const more = Array.from({ length: 20 }, (_, i) => `w${n + i}`);
      await a.batch(more.map((widgetId) => ({ type: 'WIDGET_UPDATE', widgetId, create: true, set: { '/text': text } })))
        .done;
    }
    await a.updateSettings({ set: { '/title': 'Large' } }).done;
    const b = await openDashboard(bo, 'parts');
    expect(b.state.getSnapshot().document).toEqual(a.state.getSnapshot().document);
    expect(b.widgetIds().getSnapshot()).toHaveLength(40);
  });

  test('M12 a dashboard that was made anew meanwhile is taken as it is, and edits are decided by value', async () => {
    await using ana = connect(server);
    await using bo = connect(server, { userId: 'bo' });
    const a = await openDashboard(ana, 'anew');
    await a.createWidget({ title: 'Disk', unit: '%' }, { id: 'disk' }).done;
    await offline(ana);
    const [fits, clashes] = [{ '/unit': 'GiB' }, { '/title': 'Mine' }];
    const fitting = a.updateWidget('disk', { set: fits });
    await until(fitting.current, ({ state }) => state === 'queued');
    const clashing = a.updateWidget('disk', { set: clashes }, { policy: 'auto' });
    await bo.dashboards.delete('anew');
    const b = await openDashboard(bo, 'anew');
    await b.createWidget({ title: 'Another', unit: '%' }, { id: 'disk' }).done;
    ana.setOffline(false);
    expect((await fitting.done).state).toBe('settled');
    expect(await clashing.done).toMatchObject({ state: 'conflicted', conflict: { fields: [{ theirs: 'Another' }] } });
    await caughtUp(b, a);
    expect(a.state.getSnapshot().document).toEqual(b.state.getSnapshot().document);
    expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Another', unit: 'GiB' });
    const [conflict] = ana.conflicts.getSnapshot();
    expect((await ana.resolve(conflict?.id ?? '', 'mine')?.done)?.state).toBe('settled');
    await until(b.widget('disk'), (widget) => widget?.title === 'Mine');
  });
});

test('a rejected op is taken back on the screen, kept, and can be sent again', async () => {
  await using ana = connect(server);
  const a = await openDashboard(ana, 'rejected');
  await a.createWidget({ title: 'Disk', note: 'text' }, { id: 'disk' }).done;
  const bad = a.updateWidget('disk', { set: { '/note/more': 1 } });
  expect(await bad.done).toMatchObject({ state: 'rejected', error: { code: 'PATH' } });
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Disk', note: 'text' });
  expect(ana.sync.getSnapshot()).toMatchObject({ state: 'rejected', rejected: 1, pending: 0 });
  expect(ana.pending.getSnapshot()).toMatchObject([{ state: 'rejected', label: "Change Disk's more" }]);
  await a.updateWidget('disk', { unset: ['/note'] }).done;
  const again = ana.retry(bad.id);
  expect(again?.id).not.toBe(bad.id);
  expect((await again?.done)?.state).toBe('settled');
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Disk', note: { more: 1 } });
  expect(ana.pending.getSnapshot()).toEqual([]);
});

test('D5 an op over the limit of the server is rejected in words', async () => {
  await using ana = connect(server);
  const a = await openDashboard(ana, 'large');
  const { error } = await a.createWidget({ text: 'x'.repeat(1_100_000) }).done;
  expect(error).toMatchObject({ code: 'TOO_LARGE', message: expect.stringContaining('1048576') });
  expect((await a.createWidget({ text: 'x' }).done).state).toBe('settled');
});

describe('R9 a dashboard that is deleted', () => {
  test('takes no edits and is not made anew by them, until it is brought back', async () => {
    await using ana = connect(server);
    await using bo = connect(server, { userId: 'bo' });
    const [a, b] = [await openDashboard(ana, 'gone'), await openDashboard(bo, 'gone')];
    await a.createWidget({ title: 'Disk' }, { id: 'disk' }).done;
    await caughtUp(b, a);
    await bo.dashboards.delete('gone');
    await until(a.state, ({ status }) => status === 'deleted');
    expect(await a.createWidget({ title: 'Late' }).done).toMatchObject({ state: 'rejected', error: { code: 'GONE' } });
    expect(ana.pending.getSnapshot()).toHaveLength(1);
    await ana.dashboards.undelete('gone');
    await until(a.state, ({ status }) => status === 'ready');
    expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Disk' });
    const [late] = ana.pending.getSnapshot();
    expect((await ana.retry(late?.id ?? '')?.done)?.state).toBe('settled');
  });

  test('before a reload: what is on the disk is kept, and not done', async () => {
    const { tab } = browser();
    const before = connect(server, tab('tab'));
    const a = await openDashboard(before, 'gone-before');
    await a.createWidget({ title: 'Disk' }).done;
    await offline(before);
    const { id } = a.createWidget({ title: 'Late' });
    await kept(before);
    await before.destroy();
    await using bo = connect(server, { userId: 'bo' });
    await bo.dashboards.delete('gone-before');
    await using after = connect(server, tab('tab'));
    await until(after.pending, ([one]) => one?.state === 'rejected');
    expect(after.pending.getSnapshot()).toMatchObject([{ id, error: { code: 'GONE' }, label: 'Add Late' }]);
    expect((await openDashboard(bo, 'gone-before')).state.getSnapshot().version).toBe(0);
  });

  test('while one was offline: what one did then is kept, and not done', async () => {
    await using ana = connect(server);
    await using bo = connect(server, { userId: 'bo' });
    const a = await openDashboard(ana, 'gone-meanwhile');
    await a.createWidget({ title: 'Disk' }).done;
    await offline(ana);
    const late = a.createWidget({ title: 'Late' });
    await bo.dashboards.delete('gone-meanwhile');
    ana.setOffline(false);
    expect(await late.done).toMatchObject({ state: 'rejected', error: { code: 'GONE' } });
    expect(a.state.getSnapshot()).toMatchObject({ status: 'deleted', document: null });
    ana.reconnect();
    const b = await openDashboard(bo, 'gone-meanwhile');
    expect(b.state.getSnapshot().version).toBe(0);
  });
});
