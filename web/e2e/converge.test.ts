import { deleteTile, moveTile, press, renameTile, resizeTile, seen, slide } from './grid.ts';
import { agree, expect, says, test } from './scene.ts';

const stat = (title: string) => ({ type: 'stat', title, config: { unit: 'short' } });
const widgets = { cpu: stat('CPU'), disk: stat('Disk'), net: stat('Network') };
const places = {
  cpu: { x: 0, y: 0, w: 6, h: 5 },
  disk: { x: 6, y: 0, w: 6, h: 5 },
  net: { x: 12, y: 0, w: 6, h: 5 },
};

test('R2, M4: all that one does arrives in the other window, both ways, without a reload', async ({ open, rest }) => {
  await rest.create('pair', widgets, places);
  const ana = await open('ana', '#/d/pair');
  const bo = await open('bo', '#/d/pair');
  await agree(rest, 'pair', ana, bo);

  // Drag, here and there.
  await moveTile(ana, 'CPU', { x: 18, y: 0 });
  await expect.poll(async () => (await seen(bo)).tiles.cpu).toMatchObject({ x: 18, y: 0 });
  await moveTile(bo, 'Disk', { x: -6, y: 0 });
  await expect.poll(async () => (await seen(ana)).tiles.disk).toMatchObject({ x: 0, y: 0 });

  // Resize.
  await resizeTile(bo, 'Network', { x: 2, y: 3 });
  await expect.poll(async () => (await seen(ana)).tiles.net).toMatchObject({ w: 8, h: 8 });
  await resizeTile(ana, 'Disk', { x: 3, y: -1 });
  await expect.poll(async () => (await seen(bo)).tiles.disk).toMatchObject({ w: 9, h: 4 });
  await agree(rest, 'pair', ana, bo);

  // Rename a tile, and the dashboard.
  await renameTile(ana, 'CPU', 'Processor');
  await bo.tile('Processor').waitFor();
  const name = bo.page.getByRole('textbox', { name: 'Name of the dashboard' });
  await name.fill('Our machines');
  await name.press('Enter');
  await expect.poll(async () => (await seen(ana)).title).toBe('Our machines');

  // Settings.
  await rest.value('pair', 'disk', { value: 42 });
  await expect.poll(() => ana.tile('Disk').textContent()).toContain('42');
  await bo.tile('Disk').hover();
  await bo.button('Settings of Disk').click();
  const unit = bo.page.getByRole('combobox', { name: 'Unit' });
  await unit.fill('percent');
  await unit.press('Enter');
  await expect.poll(() => ana.tile('Disk').getByRole('status').first().textContent()).toBe('42%');
  await ana.tile('Disk').hover();
  await ana.button('Settings of Disk').click();
  const decimals = ana.page.getByRole('textbox', { name: 'Decimals' });
  await decimals.fill('2');
  await decimals.press('Enter');
  await expect.poll(() => bo.tile('Disk').getByRole('status').first().textContent()).toBe('42.00%');
  await bo.page.getByText('changed by ana').waitFor();
  await ana.button('Close').click();
  await bo.button('Close').click();

  // Add from the gallery.
  await ana.button('Add a tile').click();
  await ana.page.getByRole('button', { name: 'Text' }).click();
  await bo.tile('Note').waitFor();
  await bo.button('Add a tile').click();
  await bo.page.getByRole('button', { name: 'Gauge' }).click();
  await ana.tile('Gauge').waitFor();
  await agree(rest, 'pair', ana, bo);

  // Delete, and take it back.
  for (const [one, other, title] of [
    [ana, bo, 'Gauge'],
    [bo, ana, 'Note'],
  ] as const) {
    await deleteTile(one, title);
    await other.tile(title).waitFor({ state: 'detached' });
    await one.page.getByText(`Deleted ${title}.`).locator('..').getByRole('button', { name: 'Undo' }).click();
    await other.tile(title).waitFor();
  }
  await agree(rest, 'pair', ana, bo);
  for (const person of [ana, bo]) {
    await says(person, 'Saved');
    expect(person.loads, `loads of ${person.name}`).toBe(1);
  }
});

test('W3: others are seen while they move a tile, and where it goes', async ({ open, rest }) => {
  await rest.create('seen', widgets, places);
  const ana = await open('ana', '#/d/seen');
  const bo = await open('bo', '#/d/seen');
  await says(ana, 'Saved');
  const face = bo.page.getByRole('list', { name: 'Others here' }).getByRole('button', { name: /^ana/ });
  await face.waitFor();

  const held = await press(ana, 'CPU', 'move');
  await slide(ana.page, held, { x: 12, y: 6 });
  const ghost = bo.page.locator('.ghost');
  await expect.poll(() => ghost.textContent()).toBe('ana');
  await expect.poll(() => face.getAttribute('aria-label')).toBe('ana, moving CPU. Follow');
  await expect.poll(() => bo.tile('CPU').locator('..').textContent()).toContain('ana is moving');
  expect((await seen(bo)).tiles.cpu).toMatchObject({ x: 0, y: 0 });

  await ana.page.keyboard.press('Escape');
  await ana.page.mouse.up();
  await ghost.waitFor({ state: 'detached' });
  await agree(rest, 'seen', ana, bo);
  expect((await rest.document('seen')).version).toBe(1);

  await ana.close();
  await face.waitFor({ state: 'detached' });
});
