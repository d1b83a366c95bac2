import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { caughtUp, connect, openDashboard, until } from '../test/clients.ts';
import type { Dashboard, DashwireClient, FieldChoice } from './index.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

/** Two people on one dashboard with a widget that both know. */
async function pair(
  id: string,
): Promise<{ ana: DashwireClient; bo: DashwireClient; a: Dashboard; b: Dashboard } & AsyncDisposable> {
  const ana = connect(server);
  const bo = connect(server, { userId: 'bo' });
  const [a, b] = [await openDashboard(ana, id), await openDashboard(bo, id)];
  await a.createWidget({ type: 'gauge', title: 'Disk', config: { unit: '%' } }, { id: 'disk' }).done;
  await until(b.widget('disk'), (widget) => widget !== undefined);
  return {
    ana,
    bo,
    a,
    b,
    async [Symbol.asyncDispose]() {
      await Promise.all([ana.destroy(), bo.destroy()]);
    },
  };
}

async function same(a: Dashboard, b: Dashboard): Promise<void> {
  await caughtUp(a, b);
  await caughtUp(b, a);
  expect(a.state.getSnapshot().document).toEqual(b.state.getSnapshot().document);
}

async function offline(client: DashwireClient): Promise<void> {
  client.setOffline(true);
  await until(client.connection, ({ state }) => state === 'offline');
}

describe('edits made offline', () => {
  test('M4 merge with what others did elsewhere', async () => {
    await using p = await pair('merge');
    await offline(p.ana);
    const mine = p.a.updateWidget('disk', { set: { '/config/unit': 'GiB' } });
    p.a.createWidget({ title: 'CPU' }, { id: 'cpu' });
    await p.b.updateWidget('disk', { set: { '/title': 'Storage' } }).done;
    expect(p.ana.sync.getSnapshot()).toMatchObject({ state: 'offline', pending: 2 });
    p.ana.setOffline(false);
    expect(await mine.done).toMatchObject({ state: 'settled', ack: { status: 'merged' } });
    expect(await p.ana.waitForSync({ timeoutMs: 30_000 })).toBe(true);
    await same(p.a, p.b);
    expect(p.a.widget('disk').getSnapshot()).toEqual({ type: 'gauge', title: 'Storage', config: { unit: 'GiB' } });
  });

  const cases: { name: string; choice: FieldChoice | Record<string, FieldChoice>; title: string; unit: string }[] = [
    { name: 'mine', choice: 'mine', title: 'Mine', unit: 'GiB' },
    { name: 'theirs', choice: 'theirs', title: 'Theirs', unit: 'GiB' },
    { name: 'a third value', choice: { value: 'Both' }, title: 'Both', unit: 'GiB' },
    { name: 'by path', choice: { '/title': 'mine' }, title: 'Mine', unit: 'GiB' },
  ];
  test.each(cases)(
    'M10 on the same field ask, and $name is the outcome for both',
    async ({ name, choice, title, unit }) => {
      await using p = await pair(`clash-${name.replaceAll(' ', '-')}`);
      await offline(p.ana);
      const mine = p.a.updateWidget('disk', { set: { '/title': 'Mine', '/config/unit': 'GiB' } }, { policy: 'ask' });
      await p.b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
      p.ana.setOffline(false);
      const outcome = await mine.done;
      expect(outcome).toMatchObject({
        state: 'conflicted',
        conflict: {
          widgetId: 'disk',
          kind: 'field',
          fields: [{ path: '/title', base: 'Disk', mine: 'Mine', theirs: 'Theirs' }],
        },
      });
      expect(p.ana.sync.getSnapshot()).toMatchObject({ state: 'conflict', conflicts: 1, pending: 0 });
      expect(p.a.conflicts('disk').getSnapshot()).toHaveLength(1);
      expect(p.a.widget('disk').getSnapshot()?.title).toBe('Theirs');
      const decided = p.ana.resolve(outcome.conflict?.id ?? '', choice);
      expect(p.a.widget('disk').getSnapshot()).toMatchObject({ title, config: { unit } });
      expect((await decided?.done)?.state).toBe('settled');
      expect(p.ana.conflicts.getSnapshot()).toEqual([]);
      await same(p.a, p.b);
      expect(p.b.widget('disk').getSnapshot()).toMatchObject({ title, config: { unit } });
    },
  );

  test('M10 a fresh conflict takes the place of one that was decided too late', async () => {
    await using p = await pair('late');
    await offline(p.ana);
    const mine = p.a.updateWidget('disk', { set: { '/title': 'Mine' } }, { policy: 'ask' });
    await p.b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
    p.ana.setOffline(false);
    const first = await mine.done;
    await offline(p.ana);
    await p.b.updateWidget('disk', { set: { '/title': 'Newer' } }).done;
    const decided = p.ana.resolve(first.conflict?.id ?? '', 'mine');
    p.ana.setOffline(false);
    const second = await decided?.done;
    expect(second).toMatchObject({ state: 'conflicted', conflict: { fields: [{ mine: 'Mine', theirs: 'Newer' }] } });
    expect(p.ana.conflicts.getSnapshot()).toHaveLength(1);
    await p.ana.resolve(second?.conflict?.id ?? '', 'mine')?.done;
    await same(p.a, p.b);
    expect(p.b.widget('disk').getSnapshot()?.title).toBe('Mine');
  });

  test('M10 all theirs leaves nothing to change; settings are decided on like widgets', async () => {
    await using p = await pair('settings');
    await p.a.updateSettings({ set: { '/title': 'Was' } }).done;
    await caughtUp(p.b, p.a);
    await offline(p.ana);
    const mine = p.a.updateSettings({ set: { '/title': 'Mine' } }, { policy: 'ask' });
    await p.b.updateSettings({ set: { '/title': 'Theirs' } }).done;
    p.ana.setOffline(false);
    const { conflict } = await mine.done;
    expect(conflict).toMatchObject({ kind: 'field', fields: [{ path: '/title', base: 'Was', theirs: 'Theirs' }] });
    expect(conflict?.widgetId).toBeUndefined();
    const decided = await p.ana.resolve(conflict?.id ?? '', { '/title': 'theirs' })?.done;
    expect(decided).toMatchObject({ state: 'settled', ack: { status: 'unchanged' } });
    await same(p.a, p.b);
    expect(p.a.settings.getSnapshot()).toEqual({ title: 'Theirs' });
    expect(p.ana.sync.getSnapshot()).toMatchObject({ state: 'saved', conflicts: 0, pending: 0 });
  });

  test('a conflict can be dropped, and an edit of a widget in conflict elsewhere goes by', async () => {
    await using p = await pair('dropped');
    await offline(p.ana);
    const mine = p.a.updateWidget('disk', { set: { '/title': 'Mine' } }, { policy: 'ask' });
    await p.b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
    p.ana.setOffline(false);
    await mine.done;
    expect((await p.a.updateWidget('disk', { set: { '/config/unit': 'GiB' } }).done).state).toBe('settled');
    expect((await p.a.move({ disk: { x: 3 } }).done).state).toBe('settled');
    expect(p.ana.discard(mine.id)).toBe(true);
    expect(p.ana.pending.getSnapshot()).toEqual([]);
    await same(p.a, p.b);
    expect(p.a.widget('disk').getSnapshot()).toMatchObject({ title: 'Theirs', config: { unit: 'GiB' } });
  });

  test.each(['mine', 'theirs'] as const)('M9 an edit of a deleted widget asks: %s', async (choice) => {
    await using p = await pair(`deleted-${choice}`);
    await offline(p.ana);
    const mine = p.a.updateWidget('disk', { set: { '/title': 'Mine' } });
    await p.b.deleteWidget('disk').done;
    p.ana.setOffline(false);
    const outcome = await mine.done;
    expect(outcome).toMatchObject({
      state: 'conflicted',
      conflict: { kind: 'deleted', fields: [{ theirsBy: { userId: 'bo' } }] },
    });
    await p.ana.resolve(outcome.conflict?.id ?? '', choice)?.done;
    await same(p.a, p.b);
    expect(p.ana.sync.getSnapshot()).toMatchObject({ state: 'saved', conflicts: 0 });
    expect(p.b.widget('disk').getSnapshot()?.title).toBe(choice === 'mine' ? 'Mine' : undefined);
  });

  test.each(['mine', 'theirs'] as const)('M9 deleting a changed widget asks: %s', async (choice) => {
    await using p = await pair(`changed-${choice}`);
    await offline(p.ana);
    const mine = p.a.deleteWidget('disk', { policy: 'ask' });
    await p.b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
    p.ana.setOffline(false);
    const outcome = await mine.done;
    expect(outcome).toMatchObject({ state: 'conflicted', conflict: { kind: 'changed', fields: [{ path: '/title' }] } });
    expect(p.a.widget('disk').getSnapshot()?.title).toBe('Theirs');
    await p.ana.resolve(outcome.conflict?.id ?? '', choice)?.done;
    await same(p.a, p.b);
    expect(p.b.widget('disk').getSnapshot()?.title).toBe(choice === 'mine' ? undefined : 'Theirs');
  });

  test('M11 a batch shows the clashes of its parts, and goes out again with what was chosen', async () => {
    await using p = await pair('batch');
    await p.a.createWidget({ title: 'CPU' }, { id: 'cpu' }).done;
    await offline(p.ana);
    const mine = p.a.batch(
      [
        { type: 'WIDGET_UPDATE', widgetId: 'disk', set: { '/title': 'Mine', '/note': 'kept' } },
        { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'Mine too' } },
        { type: 'DASHBOARD_UPDATE', set: { '/title': 'Operations' } },
      ],
      { policy: 'ask' },
    );
    expect(mine.current.getSnapshot().label).toBe('3 changes');
    await caughtUp(p.b, p.a);
    await p.b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
    await p.b.deleteWidget('cpu').done;
    p.ana.setOffline(false);
    expect((await mine.done).state).toBe('conflicted');
    const [first, second] = p.ana.conflicts.getSnapshot();
    expect([first?.kind, second?.kind]).toEqual(['field', 'deleted']);
    expect(p.ana.resolve(first?.id ?? '', 'theirs')).toBeUndefined();
    expect(p.ana.sync.getSnapshot().conflicts).toBe(1);
    expect((await p.ana.resolve(second?.id ?? '', 'mine')?.done)?.state).toBe('settled');
    await same(p.a, p.b);
    expect(p.b.widget('disk').getSnapshot()).toMatchObject({ title: 'Theirs', note: 'kept' });
    expect(p.b.widget('cpu').getSnapshot()).toEqual({ title: 'Mine too' });
    expect(p.b.settings.getSnapshot()).toEqual({ title: 'Operations' });
  });

  test('an edit behind a conflict on the same path waits for the decision', async () => {
    await using p = await pair('blocked');
    await offline(p.ana);
    const mine = p.a.updateWidget('disk', { set: { '/title': 'Mine' } }, { policy: 'ask' });
    await p.b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
    p.ana.setOffline(false);
    const { conflict } = await mine.done;
    const behind = p.a.updateWidget('disk', { set: { '/title': 'Later' } });
    const beside = p.a.updateWidget('disk', { set: { '/note': 'free' } }, { policy: 'overwrite' });
    await until(behind.current, ({ state }) => state === 'blocked');
    expect(p.a.widget('disk').getSnapshot()?.title).toBe('Later');
    p.ana.resolve(conflict?.id ?? '', 'mine');
    expect((await behind.done).state).toBe('settled');
    expect((await beside.done).state).toBe('settled');
    await same(p.a, p.b);
    expect(p.b.widget('disk').getSnapshot()).toMatchObject({ title: 'Later', note: 'free' });
  });

  test('M6 overwriting is told to both', async () => {
    await using p = await pair('overwrite');
    const told = { ana: [] as unknown[], bo: [] as unknown[] };
    p.ana.on('overwritten', (event) => told.ana.push(event));
    p.bo.on('overwritten', (event) => told.bo.push(event));
    await offline(p.ana);
    const mine = p.a.updateWidget('disk', { set: { '/title': 'Mine' } });
    await p.b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
    p.ana.setOffline(false);
    expect((await mine.done).ack?.overwrote).toHaveLength(1);
    await same(p.a, p.b);
    expect(told.ana).toMatchObject([{ dashboardId: 'overwrite', mine: true, overwrote: [{ value: 'Theirs' }] }]);
    expect(told.bo).toMatchObject([{ dashboardId: 'overwrite', mine: false, overwrote: [{ value: 'Theirs' }] }]);
  });
});
