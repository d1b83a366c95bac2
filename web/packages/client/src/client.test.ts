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
