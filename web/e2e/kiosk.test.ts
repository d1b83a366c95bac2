import type { Person } from './browser.ts';
import { seen, toBeSeen } from './grid.ts';
import { expect, test } from './scene.ts';

const widgets = {
  cpu: { type: 'timeseries', title: 'CPU', config: { unit: 'percent', series: [{ key: 'busy', label: 'busy' }] } },
  load: { type: 'stat', title: 'Load', config: {} },
};
const places = { cpu: { x: 0, y: 0, w: 16, h: 8 }, load: { x: 16, y: 0, w: 8, h: 8 } };
const line = (person: Person) => person.page.locator('.wall-line');

test('a wall goes through a restart of the server: no dialog, no reload, a thin line while it is away', async ({
  open,
  rest,
  server,
}) => {
  await rest.create('wall', widgets, places);
  const now = Date.now();
  await rest.value(
    'wall',
    'cpu',
    [0, 1, 2, 3].map((i) => [now - 4000 + i * 1000, 10 * i]),
    'append',
  );
  await rest.value('wall', 'load', { value: 0.5 });
  const wall = await open('wall', '#/d/wall', { width: 1920, height: 1080 });
  const range = wall.page.getByRole('group', { name: 'Time shown' });
  await range.getByRole('radio', { name: '15 min' }).click();
  await wall.tile('CPU').focus();
  await wall.page.keyboard.press('k');
  await wall.page.getByRole('banner').waitFor({ state: 'detached' });
  await expect.poll(() => wall.page.locator('[data-tile="load"]').textContent()).toContain('0.5');

  // Nothing to click, nothing that opens, all tiles in the window.
  expect(await wall.page.getByRole('button').count()).toBe(0);
  const fits = () => wall.page.evaluate(() => document.documentElement.scrollHeight <= window.innerHeight);
  await expect.poll(fits).toBe(true);

  // Others' changes are taken over in place.
  await rest.patchWidget('wall', 'load', { title: 'Load of all' });
  await rest.move('wall', { load: { x: 0, y: 0 } });
  await expect.poll(async () => (await titles(wall)).load).toBe('Load of all');

  await server.kill();
  await line(wall).waitFor();
  expect(await line(wall).textContent()).toMatch(/^▲ Offline since \d{2}:\d{2}$/);
  expect((await line(wall).boundingBox())?.height).toBeLessThan(32);
  await server.restart();
  await line(wall).waitFor({ state: 'detached' });
  await rest.patchWidget('wall', 'load', { title: 'Load again' });
  await expect.poll(async () => (await titles(wall)).load).toBe('Load again');
  await rest.value('wall', 'load', { value: 0.75 });
  await expect.poll(() => wall.page.locator('[data-tile="load"]').textContent()).toContain('0.75');

  // A restart that is announced, as an update is (C7).
  await server.stop();
  await server.restart();
  await rest.putWidget('wall', 'note', { type: 'text', title: 'Note', config: { text: 'After the update' } });
  await expect.poll(() => wall.page.locator('[data-tile="note"]').textContent()).toContain('After the update');
  await expect.poll(fits).toBe(true);

  expect(await wall.page.getByRole('dialog').count()).toBe(0);
  const stored = toBeSeen(await rest.document('wall'));
  expect(await titles(wall)).toEqual(
    Object.fromEntries(Object.entries(stored.tiles).map(([id, { title }]) => [id, title])),
  );
  await wall.page.keyboard.press('Escape');
  expect(await range.getByRole('radio', { name: '15 min' }).isChecked()).toBe(true);
  expect(wall.loads).toBe(1);
});

async function titles(person: Person): Promise<Readonly<Record<string, string>>> {
  const { tiles } = await seen(person);
  return Object.fromEntries(Object.entries(tiles).map(([id, { title }]) => [id, title]));
}

test('a wall turns over its dashboards, and Escape leaves it', async ({ open, rest }) => {
  await rest.create('first', { one: { type: 'text', title: 'First', config: { text: 'one' } } });
  await rest.create('second', { two: { type: 'text', title: 'Second', config: { text: 'two' } } });
  const wall = await open('wall', '?kiosk=first,second&rotate=3s#/d/first');
  for (const title of ['First', 'Second', 'First']) await wall.tile(title).waitFor();
  await wall.page.keyboard.press('Escape');
  await wall.page.getByRole('banner').waitFor();
  expect(wall.loads).toBe(1);
});
