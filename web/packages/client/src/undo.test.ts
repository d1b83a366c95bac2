import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { caughtUp, connect, openDashboard, until } from '../test/clients.ts';

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
