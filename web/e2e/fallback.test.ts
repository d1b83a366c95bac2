import { startProxy } from '../testing/proxy.ts';
import { moveTile, renameTile, resizeTile } from './grid.ts';
import { agree, expect, says, test, whole } from './scene.ts';

const stat = (title: string) => ({ type: 'stat', title, config: {} });
const widgets = { cpu: stat('CPU'), disk: stat('Disk') };
const places = { cpu: { x: 0, y: 0, w: 6, h: 5 }, disk: { x: 6, y: 0, w: 6, h: 5 } };

/** A page without a WebSocket looks for one again after so long, in ms. */
const probeMs = 30_000;

for (const how of ['403', 'drop'] as const) {
  test(`H2: a network that lets no WebSocket through (${how}) is worked around, and left as soon as one gets through`, async ({
    open,
    rest,
    server,
  }) => {
    const id = `blocked-${how}`;
    await rest.create(id, widgets, places);
    await using proxy = await startProxy(server.port);
    proxy.blockWebSocket(how);
    const ana = await open('ana', `#/d/${id}`, { at: proxy });
    const bo = await open('bo', `#/d/${id}`);
    const sockets: string[] = [];
    ana.page.on('websocket', (socket) => socket.on('framereceived', () => sockets.push(socket.url())));
    await says(ana, 'Saved (slow connection)');
    await says(bo, 'Saved');
    await agree(rest, id, ana, bo);

    // Both ways, live values and presence too.
    await moveTile(ana, 'CPU', { x: 12 });
    await resizeTile(bo, 'Disk', { y: 2 });
    await renameTile(ana, 'CPU', 'Processor');
    await renameTile(bo, 'Disk', 'Storage');
    await rest.value(id, 'cpu', { value: 71 });
    await expect.poll(() => ana.tile('Processor').textContent()).toContain('71');
    for (const [one, other] of [
      [ana, 'bo'],
      [bo, 'ana'],
    ] as const) {
      await one.page
        .getByRole('list', { name: 'Others here' })
        .getByRole('button', { name: new RegExp(`^${other}`) })
        .waitFor();
    }
    await says(ana, 'Saved (slow connection)');
    await agree(rest, id, ana, bo);
    expect(sockets).toEqual([]);
    if (how === 'drop') return;

    // Edits go on while the way becomes free; by itself it is found, and nothing is missed or doubled.
    await whole(ana, bo);
    proxy.blockWebSocket(null);
    let edits = 0;
    const until = Date.now() + probeMs + 15_000;
    while ((await ana.indicator.textContent()) !== 'Saved') {
      expect(Date.now(), 'back to a WebSocket in time').toBeLessThan(until);
      edits++;
      await renameTile(bo, `${edits === 1 ? 'Storage' : `Storage ${edits - 1}`}`, `Storage ${edits}`);
      await ana.tile(`Storage ${edits}`).waitFor();
      await renameTile(ana, `${edits === 1 ? 'Processor' : `Processor ${edits - 1}`}`, `Processor ${edits}`);
      await bo.tile(`Processor ${edits}`).waitFor();
    }
    await expect.poll(() => sockets.length).toBeGreaterThan(0);
    await moveTile(ana, `Processor ${edits}`, { x: -12 });
    await agree(rest, id, ana, bo);
    const history = await rest.history(id);
    expect(history.map(({ payload }) => payload.version)).toEqual(history.map((_, i) => i + 1));
    expect(history).toHaveLength(1 + 4 + 2 * edits + 1);
    for (const person of [ana, bo]) expect(person.loads).toBe(1);
  }, 90_000);
}
