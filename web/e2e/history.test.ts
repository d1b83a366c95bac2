import { deleteTile, moveTile, renameTile, seen } from './grid.ts';
import { agree, expect, says, test } from './scene.ts';

const stat = (title: string) => ({ type: 'stat', title, config: {} });

test('L6, H3: an older version is looked at in peace, and its layout or all of it comes back for everybody', async ({
  open,
  rest,
}) => {
  await rest.create(
    'past',
    { cpu: stat('CPU'), disk: stat('Disk') },
    { cpu: { x: 0, y: 0, w: 6, h: 5 }, disk: { x: 6, y: 0, w: 6, h: 5 } },
  );
  const ana = await open('ana', '#/d/past');
  const bo = await open('bo', '#/d/past');
  await says(ana, 'Saved');
  await agree(rest, 'past', ana, bo);
  const first = await seen(ana);
  await moveTile(ana, 'CPU', { x: 12 });
  await renameTile(ana, 'CPU', 'Processor');
  await says(ana, 'Saved');
  await deleteTile(bo, 'Disk');
  await says(bo, 'Saved');
  await agree(rest, 'past', ana, bo);

  // Version 1, while the present goes on.
  await ana.button('History').click();
  const sheet = ana.page.getByRole('complementary', { name: 'History' });
  const versions = sheet.locator('[data-version]');
  await expect.poll(() => versions.count()).toBe(4);
  await sheet.locator('[data-version="1"]').click();
  const past = ana.page.getByRole('main', { name: 'Version 1, to look at' });
  await past.getByRole('group', { name: /^CPU/ }).waitFor();
  await past.getByRole('group', { name: /^Disk/ }).waitFor();
  await renameTile(bo, 'Processor', 'Cores');
  await expect.poll(() => versions.count()).toBe(5);
  await past.getByRole('group', { name: /^CPU/ }).waitFor();

  // The layout alone: what was deleted stays deleted, names stay.
  await sheet.getByRole('button', { name: 'Restore layout' }).click();
  await expect.poll(async () => (await seen(bo)).tiles.cpu).toEqual({ ...first.tiles.cpu, title: 'Cores' });
  await agree(rest, 'past', bo);
  expect(Object.keys((await seen(bo)).tiles)).toEqual(['cpu']);

  // All of it.
  await sheet.locator('[data-version="1"]').click();
  await sheet.getByRole('button', { name: 'Restore all' }).click();
  await expect.poll(() => seen(bo)).toEqual(first);
  await ana.page.keyboard.press('Escape');
  await agree(rest, 'past', ana, bo);
  for (const person of [ana, bo]) expect(person.loads).toBe(1);
});
