import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { caughtUp, connect, openDashboard, until } from '../test/clients.ts';
import type { EditOptions, FieldChoice } from './index.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
});
afterAll(() => server.dispose());

test('M13 edits are undone one after another, and done again', async () => {
  await using ana = connect(server);
  const a = await openDashboard(ana, 'steps');
  await a.createWidget({ title: 'Disk' }, { id: 'disk', layout: { x: 0, y: 0, w: 6, h: 4 } }).done;
  await a.updateWidget('disk', { set: { '/title': 'Storage' } }).done;
  await a.move({ disk: { x: 9 } }).done;
  await a.deleteWidget('disk').done;
  expect(a.undoState.getSnapshot()).toEqual({
    canUndo: true,
    canRedo: false,
    undoLabel: 'Delete Storage',
    redoLabel: null,
  });
  expect(await a.undo()).toMatchObject({ outcome: { state: 'settled' }, skipped: [] });
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Storage' });
  expect(a.layout().getSnapshot()?.items.disk).toMatchObject({ x: 9 });
  await a.undo();
  expect(a.layout().getSnapshot()?.items.disk).toMatchObject({ x: 0 });
  await a.undo();
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Disk' });
  await a.undo();
  expect(a.widget('disk').getSnapshot()).toBeUndefined();
  expect(a.undoState.getSnapshot()).toEqual({ canUndo: false, canRedo: true, undoLabel: null, redoLabel: 'Add Disk' });
  expect(await a.undo()).toBeNull();
  for (let i = 0; i < 3; i++) expect((await a.redo())?.outcome.state).toBe('settled');
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Storage' });
  expect(a.layout().getSnapshot()?.items.disk).toMatchObject({ x: 9 });
  await a.redo();
  expect(a.widget('disk').getSnapshot()).toBeUndefined();
  expect(await ana.dashboards.get('steps')).toEqual(a.state.getSnapshot().document);
});

test('M13 an undo leaves alone what somebody else has changed since', async () => {
  await using ana = connect(server);
  await using bo = connect(server, { userId: 'bo' });
  const [a, b] = [await openDashboard(ana, 'respect'), await openDashboard(bo, 'respect')];
  await a.createWidget({ title: 'Disk', unit: '%' }, { id: 'disk' }).done;
  await a.updateWidget('disk', { set: { '/title': 'Storage', '/unit': 'GiB' } }).done;
  await caughtUp(b, a);
  await b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
  await caughtUp(a, b);
  expect(await a.undo()).toMatchObject({ outcome: { state: 'settled' }, skipped: ['/title'] });
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Theirs', unit: '%' });
  // The widget is not the one that was added any more: it stays.
  expect(await a.undo()).toMatchObject({ outcome: { ack: { status: 'unchanged' } }, skipped: [''] });
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Theirs', unit: '%' });
});

test('M13 a gesture is one step, and so is what went into one draft', async () => {
  await using ana = connect(server, { draftMs: 50 });
  const a = await openDashboard(ana, 'gesture');
  await a.createWidget({ title: 'Disk' }, { id: 'disk', layout: { x: 0, y: 0, w: 4, h: 4 } }).done;
  const drag = a.gesture();
  for (let x = 1; x <= 8; x++) drag.move({ disk: { x, y: 0 } });
  drag.updateWidget('disk', { set: { '/title': 'Dragged' } });
  expect(a.layout().getSnapshot()?.items.disk?.x).toBe(8);
  expect(ana.pending.getSnapshot()).toMatchObject([{ state: 'draft', label: '2 changes' }]);
  expect((await drag.commit()?.done)?.state).toBe('settled');
  expect(drag.commit()).toBeUndefined();
  await a.undo();
  expect(a.layout().getSnapshot()?.items.disk?.x).toBe(0);
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Disk' });
  const operations = [1, 2, 3].map((n) => a.updateWidget('disk', { set: { '/n': n } }));
  expect(new Set(operations.map(({ id }) => id)).size).toBe(1);
  await operations[0]?.done;
  await a.undo();
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Disk' });
  const cancelled = a.gesture();
  cancelled.updateWidget('disk', { set: { '/title': 'Never' } });
  cancelled.cancel();
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Disk' });
  expect(cancelled.commit()).toBeUndefined();
});

test('M13 an edit that is to be no step is none, also right beside one that is', async () => {
  await using ana = connect(server, { draftMs: 50 });
  const a = await openDashboard(ana, 'no-step');
  await a.createWidget({ title: 'Disk' }, { id: 'disk', undo: false }).done;
  a.updateWidget('disk', { set: { '/n': 1 } }, { undo: false });
  await a.updateWidget('disk', { set: { '/title': 'Storage' } }).done;
  const drag = a.gesture({ undo: false });
  drag.updateWidget('disk', { set: { '/n': 2 } });
  await drag.commit()?.done;
  await a.undo();
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Disk', n: 2 });
  expect(a.undoState.getSnapshot().canUndo).toBe(false);
});

test('M13 what changed nothing is no step', async () => {
  await using ana = connect(server);
  const a = await openDashboard(ana, 'nothing');
  await a.createWidget({}, { id: 'disk', layout: { x: 0, y: 0, w: 4, h: 4 } }).done;
  const { version } = a.state.getSnapshot();
  await a.updateWidget('disk', { set: { '/title': 'Disk' } }).done;
  await a.updateWidget('disk', { set: { '/title': 'Disk' } }).done;
  const drag = a.gesture();
  drag.move({ disk: { x: 5 } });
  drag.move({ disk: { x: 0 } });
  expect(drag.commit()).toBeUndefined();
  expect(ana.pending.getSnapshot()).toEqual([]);
  await a.undo();
  expect(a.widget('disk').getSnapshot()).toEqual({});
  expect(a.state.getSnapshot().version).toBe(version + 2);
});

test('M13 undo works offline, on what was never sent', async () => {
  await using ana = connect(server);
  await using bo = connect(server, { userId: 'bo' });
  const [a, b] = [await openDashboard(ana, 'undo-offline'), await openDashboard(bo, 'undo-offline')];
  await a.createWidget({ title: 'Disk' }, { id: 'disk' }).done;
  ana.setOffline(true);
  for (const title of ['One', 'Two', 'Three']) {
    a.updateWidget('disk', { set: { '/title': title } });
    await until(ana.pending, (pending) => pending.every(({ state }) => state !== 'draft'));
  }
  void a.undo();
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Two' });
  void a.undo();
  void a.undo();
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'Disk' });
  void a.redo();
  expect(a.widget('disk').getSnapshot()).toEqual({ title: 'One' });
  ana.setOffline(false);
  await ana.waitForSync();
  await caughtUp(b, a);
  expect(b.widget('disk').getSnapshot()).toEqual({ title: 'One' });
  expect(a.state.getSnapshot().document).toEqual(b.state.getSnapshot().document);
});

test('M13 what was refused or is in conflict can no longer be undone', async () => {
  await using ana = connect(server);
  const a = await openDashboard(ana, 'refused');
  await a.createWidget({ title: 'Disk' }, { id: 'disk' }).done;
  expect((await a.createWidget({ title: 'Again' }, { id: 'disk' }).done).state).toBe('rejected');
  await until(a.undoState, ({ undoLabel }) => undoLabel === 'Add Disk');
});

describe('what was decided', () => {
  /** Two people, of whom the first is in conflict about the disk's title, with what she did being one step. */
  async function clash(id: string, options?: EditOptions) {
    const ana = connect(server);
    const bo = connect(server, { userId: 'bo' });
    const [a, b] = [await openDashboard(ana, id), await openDashboard(bo, id)];
    await a.createWidget({ title: 'Disk', unit: '%' }, { id: 'disk', undo: false }).done;
    await caughtUp(b, a);
    ana.setOffline(true);
    const mine = a.updateWidget('disk', { set: { '/title': 'Mine', '/unit': 'GiB' } }, { policy: 'ask', ...options });
    await b.updateWidget('disk', { set: { '/title': 'Theirs' } }).done;
    ana.setOffline(false);
    await mine.done;
    return {
      a,
      b,
      ana,
      mine: mine.id,
      async [Symbol.asyncDispose]() {
        await Promise.all([ana.destroy(), bo.destroy()]);
      },
    };
  }

  const choices: { name: string; choice: FieldChoice; title: string }[] = [
    { name: 'mine', choice: 'mine', title: 'Mine' },
    { name: 'a third value', choice: { value: 'Both' }, title: 'Both' },
    { name: 'theirs, with the rest of the edit', choice: 'theirs', title: 'Theirs' },
  ];
  test.each(choices)('M13 is one step: $name', async ({ name, choice, title }) => {
    await using p = await clash(`decided-${name.replaceAll(/\W/g, '-')}`);
    expect(p.a.undoState.getSnapshot().canUndo).toBe(false);
    await p.ana.resolve(p.mine, choice)?.done;
    expect(p.a.undoState.getSnapshot()).toMatchObject({ undoLabel: 'Change Disk' });
    expect(p.a.widget('disk').getSnapshot()).toEqual({ title, unit: 'GiB' });
    expect(await p.a.undo()).toMatchObject({ outcome: { state: 'settled' }, skipped: [] });
    expect(p.a.widget('disk').getSnapshot()).toEqual({ title: 'Theirs', unit: '%' });
    expect(p.a.undoState.getSnapshot()).toMatchObject({ canUndo: false, canRedo: true });
    await p.a.redo();
    await caughtUp(p.b, p.a);
    expect(p.b.widget('disk').getSnapshot()).toEqual({ title, unit: 'GiB' });
  });

  test('M13 is one step before it is sent', async () => {
    await using p = await clash('decided-offline');
    p.ana.setOffline(true);
    p.ana.resolve(p.mine, 'mine');
    void p.a.undo();
    expect(p.a.widget('disk').getSnapshot()).toEqual({ title: 'Theirs', unit: '%' });
    p.ana.setOffline(false);
    await p.ana.waitForSync();
    await caughtUp(p.b, p.a);
    expect(p.b.widget('disk').getSnapshot()).toEqual({ title: 'Theirs', unit: '%' });
  });

  test('M13 is undone after what waited for it', async () => {
    await using p = await clash('decided-behind');
    const later = p.a.updateWidget('disk', { set: { '/title': 'Later' } });
    await until(later.current, ({ state }) => state === 'blocked');
    const decided = p.ana.resolve(p.mine, 'mine');
    await Promise.all([decided?.done, later.done]);
    for (const title of ['Mine', 'Theirs']) {
      expect(await p.a.undo()).toMatchObject({ outcome: { state: 'settled' }, skipped: [] });
      expect(p.a.widget('disk').getSnapshot()?.title).toBe(title);
    }
    expect(await p.a.undo()).toBeNull();
  });

  test('M13 is a step in favour of theirs only if something is left of the edit', async () => {
    await using p = await clash('decided-theirs');
    p.ana.discard(p.mine);
    p.ana.setOffline(true);
    const mine = p.a.updateWidget('disk', { set: { '/title': 'Mine' } }, { policy: 'ask' });
    await p.b.updateWidget('disk', { set: { '/title': 'Newest' } }).done;
    p.ana.setOffline(false);
    await mine.done;
    const decided = p.ana.resolve(mine.id, 'theirs');
    expect(await decided?.done).toMatchObject({ ack: { status: 'unchanged' } });
    expect(p.a.undoState.getSnapshot().canUndo).toBe(false);
  });

  test('M13 is one step too if it was refused, and is tried again', async () => {
    await using p = await clash('tried-again', { policy: 'reject' });
    expect(p.ana.pending.getSnapshot()).toMatchObject([{ state: 'rejected' }]);
    await p.ana.retry(p.mine)?.done;
    expect(p.a.widget('disk').getSnapshot()?.title).toBe('Mine');
    await p.a.undo();
    expect(p.a.widget('disk').getSnapshot()).toEqual({ title: 'Theirs', unit: '%' });
  });

  test('M13 is no step if the edit was none', async () => {
    await using p = await clash('decided-unseen', { undo: false });
    expect((await p.ana.resolve(p.mine, 'mine')?.done)?.state).toBe('settled');
    expect(p.a.undoState.getSnapshot().canUndo).toBe(false);
  });

  test('M9, M13 is taken back by deleting what it had brought back', async () => {
    await using p = await clash('decided-deleted');
    p.ana.discard(p.mine);
    p.ana.setOffline(true);
    const mine = p.a.updateWidget('disk', { set: { '/title': 'Mine' } });
    await p.b.deleteWidget('disk').done;
    p.ana.setOffline(false);
    await mine.done;
    await p.ana.resolve(mine.id, 'mine')?.done;
    expect(p.a.widget('disk').getSnapshot()).toEqual({ title: 'Mine', unit: '%' });
    expect(await p.a.undo()).toMatchObject({ outcome: { state: 'settled' }, skipped: [] });
    expect(p.a.widget('disk').getSnapshot()).toBeUndefined();
    await p.a.redo();
    expect(p.a.widget('disk').getSnapshot()).toEqual({ title: 'Mine', unit: '%' });
  });

  test('M13 of a batch is one step', async () => {
    await using p = await clash('decided-batch');
    p.ana.discard(p.mine);
    p.ana.setOffline(true);
    const mine = p.a.batch(
      [
        { type: 'WIDGET_UPDATE', widgetId: 'disk', set: { '/title': 'Mine' } },
        { type: 'DASHBOARD_UPDATE', set: { '/title': 'Operations' } },
      ],
      { policy: 'ask' },
    );
    await p.b.updateWidget('disk', { set: { '/title': 'Newest' } }).done;
    p.ana.setOffline(false);
    const { conflict } = await mine.done;
    await p.ana.resolve(conflict?.id ?? '', 'mine')?.done;
    expect(p.a.widget('disk').getSnapshot()?.title).toBe('Mine');
    expect(await p.a.undo()).toMatchObject({ outcome: { state: 'settled' }, skipped: [] });
    expect(p.a.widget('disk').getSnapshot()?.title).toBe('Newest');
    expect(p.a.settings.getSnapshot()).toEqual({});
    expect(p.a.undoState.getSnapshot().canUndo).toBe(false);
  });
});

test('M13 the undo of restoring a layout is known from the server', async () => {
  await using ana = connect(server);
  const a = await openDashboard(ana, 'restore');
  await a.createWidget({ title: 'Disk' }, { id: 'disk', layout: { x: 0, y: 0, w: 4, h: 4 } }).done;
  const { version } = a.state.getSnapshot();
  await a.move({ disk: { x: 8 } }).done;
  expect((await a.restoreLayout(version).done).state).toBe('settled');
  expect(a.layout().getSnapshot()?.items.disk?.x).toBe(0);
  await a.undo();
  expect(a.layout().getSnapshot()?.items.disk?.x).toBe(8);
});
