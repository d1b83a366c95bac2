import { press, renameTile, resizeTile, seen, slide } from './grid.ts';
import { agree, expect, says, test, whole } from './scene.ts';

const stat = (title: string) => ({ type: 'stat', title, config: {} });
const widgets = { cpu: stat('CPU'), disk: stat('Disk'), net: stat('Network') };
const places = {
  cpu: { x: 0, y: 0, w: 6, h: 5 },
  disk: { x: 6, y: 0, w: 6, h: 5 },
  net: { x: 0, y: 5, w: 6, h: 5 },
};

test('A2: the server is killed and comes back in the middle of a drag, which ends where it was dropped', async ({
  open,
  rest,
  server,
}) => {
  await rest.create('drag', widgets, places);
  const ana = await open('ana', '#/d/drag');
  const bo = await open('bo', '#/d/drag');
  await agree(rest, 'drag', ana, bo);
  await resizeTile(bo, 'Disk', { x: 1 });
  await says(bo, 'Saved');
  await whole(ana, bo);

  const held = await press(ana, 'CPU', 'move');
  await slide(ana.page, held, { x: 8, y: 1 });
  await server.kill();
  for (const person of [ana, bo]) await says(person, 'Reconnecting…');
  await slide(ana.page, { ...held, x: held.x + 8 * held.column }, { x: 4, y: 2 });
  await renameTile(bo, 'Network', 'Net'); // beside it, and without a server
  await server.restart();
  await says(bo, 'Saved');
  await ana.tile('Net').waitFor();
  expect(await ana.page.locator('.grid').getAttribute('data-dragging')).toBe('move');
  await slide(ana.page, { ...held, x: held.x + 12 * held.column }, { x: 1 });
  await ana.page.mouse.up();

  await says(ana, 'Saved');
  await agree(rest, 'drag', ana, bo);
  expect((await seen(bo)).tiles).toMatchObject({
    cpu: { x: 13, y: 0, w: 6, h: 5 },
    disk: { x: 6, w: 7 },
    net: { title: 'Net' },
  });
  expect(await rest.history('drag')).toHaveLength(4);
  for (const person of [ana, bo]) expect(person.loads).toBe(1);
});

test('A2: a drop while the server is dead is kept, and is there when it is back', async ({ open, rest, server }) => {
  await rest.create('drop', widgets, places);
  const ana = await open('ana', '#/d/drop');
  const bo = await open('bo', '#/d/drop');
  await agree(rest, 'drop', ana, bo);
  const held = await press(ana, 'CPU', 'move');
  await server.kill();
  await slide(ana.page, held, { x: 15, y: 0 });
  await ana.page.mouse.up();
  await says(ana, 'Reconnecting…');
  expect((await seen(ana)).tiles.cpu).toMatchObject({ x: 15, y: 0 });
  await ana.button(/^1 change not saved yet/).waitFor();
  await server.restart();
  await says(ana, 'Saved');
  await agree(rest, 'drop', ana, bo);
  expect((await seen(bo)).tiles.cpu).toMatchObject({ x: 15, y: 0 });
  for (const person of [ana, bo]) expect(person.loads).toBe(1);
});
