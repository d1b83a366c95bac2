import type { Locator } from 'playwright-core';
import type { Person } from './browser.ts';
import { deleteTile, moveTile, renameTile, resizeTile, seen } from './grid.ts';
import { agree, expect, says, test, whole } from './scene.ts';

const stat = (title: string) => ({ type: 'stat', title, config: { unit: 'short' } });
const row = (titles: readonly string[]) => ({
  widgets: Object.fromEntries(titles.map((title) => [title.toLowerCase(), stat(title)])),
  places: Object.fromEntries(titles.map((title, i) => [title.toLowerCase(), { x: i * 4, y: 0, w: 4, h: 5 }])),
});

const settings = (id: string) => ({ title: id, conflictPolicy: 'ask' });

test('M4: edits of different fields, made offline in both windows, all hold', async ({ open, rest }) => {
  const { widgets, places } = row(['Cpu', 'Disk', 'Net']);
  await rest.create('apart', widgets, places, settings('apart'));
  const ana = await open('ana', '#/d/apart');
  const bo = await open('bo', '#/d/apart');
  await agree(rest, 'apart', ana, bo);
  await whole(bo);
  await ana.menu('Try it offline', 'menuitemcheckbox');
  await ana.page.keyboard.press('Escape');
  await bo.context.setOffline(true);
  for (const person of [ana, bo]) await says(person, 'Offline');

  await renameTile(ana, 'Cpu', 'Processor');
  await moveTile(ana, 'Net', { x: 12 });
  await bo.tile('Cpu').hover();
  await bo.button('Settings of Cpu').click();
  await bo.page.getByRole('textbox', { name: 'Decimals' }).fill('3');
  await bo.page.getByRole('textbox', { name: 'Decimals' }).press('Enter');
  await bo.button('Close').click();
  await resizeTile(bo, 'Disk', { x: 2, y: 2 });
  await says(ana, 'Offline: 2 changes kept on this device');
  await says(bo, 'Offline: 2 changes kept on this device');
  const heard = ana.page.getByRole('list', { name: 'Others here, when last heard of' });
  await heard.getByRole('button', { name: /^bo/ }).waitFor();
  expect((await rest.document('apart')).version).toBe(1);

  await bo.context.setOffline(false);
  await ana.menu('Try it offline', 'menuitemcheckbox');
  await ana.page.keyboard.press('Escape');
  for (const person of [ana, bo]) await says(person, 'Saved');
  await agree(rest, 'apart', ana, bo);
  const { widgets: stored, version } = await rest.document('apart');
  expect(version).toBe(5);
  expect(stored.cpu).toEqual({ type: 'stat', title: 'Processor', config: { unit: 'short', decimals: 3 } });
  expect((await seen(bo)).tiles).toMatchObject({ net: { x: 20 }, disk: { w: 6, h: 7 } });
  for (const person of [ana, bo]) expect(person.loads).toBe(1);
});

/** What a person does in the conflict's dialog, and what the tile is then called. */
const choices: readonly (readonly [name: string, decide: (field: Locator) => Promise<void>, outcome: string])[] = [
  ['mine by a click', (field) => field.getByRole('radio', { name: 'Yours' }).click(), 'Bo 0'],
  ['theirs by a click', (field) => field.getByRole('radio', { name: 'Theirs' }).click(), 'Ana 1'],
  ['another value', (field) => field.getByRole('textbox', { name: 'Another value' }).fill('Both 2'), 'Both 2'],
  ['1 = as it was', (field) => field.getByRole('radio', { name: 'Theirs' }).press('1'), 'Tile3'],
  ['2 = yours', (field) => field.getByRole('radio', { name: 'Theirs' }).press('2'), 'Bo 4'],
  ['3 = theirs', (field) => field.getByRole('radio', { name: 'Yours' }).press('3'), 'Ana 5'],
];

test('M6, M10: a clash asks when one looks, and each way to decide ends the same in both windows', async ({
  open,
  rest,
}) => {
  const titles = choices.map((_, i) => `Tile${i}`);
  const { widgets, places } = row(titles);
  await rest.create('clash', widgets, places, settings('clash'));
  const ana = await open('ana', '#/d/clash');
  const bo = await open('bo', '#/d/clash');
  await agree(rest, 'clash', ana, bo);
  for (const person of [ana, bo]) await person.context.setOffline(true);
  for (const [i, title] of titles.entries()) {
    await renameTile(ana, title, `Ana ${i}`);
    await renameTile(bo, title, `Bo ${i}`);
  }
  await ana.context.setOffline(false);
  await says(ana, 'Saved');
  await bo.context.setOffline(false);

  await says(bo, 'Needs your decision (6)');
  await expect.poll(() => bo.counter.textContent()).toContain('Needs your decision (6)');
  expect(await bo.page.getByRole('dialog').count()).toBe(0);
  await agree(rest, 'clash', ana, bo); // the shared value is shown meanwhile

  for (const [i, [name, decide, outcome]] of choices.entries()) {
    const tile = bo.tile(`Ana ${i}`).locator('..');
    await tile.getByRole('button', { name: 'Needs your decision (1)' }).click();
    const dialog = bo.page.getByRole('dialog', { name: 'Needs your decision' });
    expect(await dialog.getByRole('heading', { level: 3 }).allTextContents(), name).toEqual([
      `Rename Tile${i} to Bo ${i}`,
    ]);
    const field = dialog.getByRole('group', { name: 'title' });
    expect(await sides(field)).toEqual([`Tile${i}`, `Bo ${i}`, `Ana ${i}`]);
    await decide(field);
    await dialog.getByRole('button', { name: 'Use what I chose' }).click();
    await dialog.waitFor({ state: 'detached' });
    for (const person of [ana, bo]) await person.tile(outcome).waitFor();
    await agree(rest, 'clash', ana, bo);
  }
  for (const person of [ana, bo]) await says(person, 'Saved');
  const stored = (await rest.document('clash')).widgets;
  expect(Object.values(stored).map(({ title }) => title)).toEqual(choices.map(([, , outcome]) => outcome));
});

async function sides(field: Locator): Promise<readonly string[]> {
  return field.locator('[data-dw-side] .dw-value').allTextContents();
}

test('M10: all conflicts at once, from the counter of the page, later or now', async ({ open, rest }) => {
  const { widgets, places } = row(['One', 'Two']);
  await rest.create('all', widgets, places, settings('all'));
  const ana = await open('ana', '#/d/all');
  const bo = await open('bo', '#/d/all');
  await agree(rest, 'all', ana, bo);
  await bo.context.setOffline(true);
  await renameTile(bo, 'One', 'Bo 1');
  await renameTile(bo, 'Two', 'Bo 2');
  await renameTile(ana, 'One', 'Ana 1');
  await renameTile(ana, 'Two', 'Ana 2');
  await says(ana, 'Saved');
  await bo.context.setOffline(false);
  await says(bo, 'Needs your decision (2)');

  const counter = bo.counter;
  await counter.click();
  const dialog = bo.page.getByRole('dialog');
  await dialog.getByRole('button', { name: 'Later' }).click();
  await dialog.waitFor({ state: 'detached' });
  await bo.page.reload(); // later may be much later
  await says(bo, 'Needs your decision (2)');
  await counter.click();
  await dialog.getByRole('article', { name: 'Rename One to Bo 1' }).getByRole('button', { name: 'All mine' }).click();
  await dialog.getByRole('article', { name: 'Rename Two to Bo 2' }).getByRole('button', { name: 'All theirs' }).click();
  await dialog.waitFor({ state: 'detached' });
  for (const person of [ana, bo]) {
    await person.tile('Bo 1').waitFor();
    await person.tile('Ana 2').waitFor();
    await says(person, 'Saved');
  }
  await agree(rest, 'all', ana, bo);
  await bo.page.keyboard.press('Control+z'); // M13: what was decided last of those that changed something
  for (const person of [ana, bo]) await person.tile('Ana 1').waitFor();
  await agree(rest, 'all', ana, bo);
});

test('M9: an edit of what was deleted, and a delete of what was edited, ask', async ({ open, rest }) => {
  const { widgets, places } = row(['Back', 'Gone', 'Kept', 'Away']);
  await rest.create('deleted', widgets, places, settings('deleted'));
  const ana = await open('ana', '#/d/deleted');
  const bo = await open('bo', '#/d/deleted');
  await agree(rest, 'deleted', ana, bo);
  await bo.context.setOffline(true);
  await renameTile(bo, 'Back', 'Bo back');
  await renameTile(bo, 'Gone', 'Bo gone');
  await deleteTile(bo, 'Kept');
  await deleteTile(bo, 'Away');
  for (const title of ['Back', 'Gone']) await deleteTile(ana, title);
  for (const title of ['Kept', 'Away']) await renameTile(ana, title, `Ana ${title.toLowerCase()}`);
  await says(ana, 'Saved');
  await bo.context.setOffline(false);
  await says(bo, 'Needs your decision (4)');

  await decide(bo, 'Rename Back to Bo back', 'Bring it back with my change');
  await ana.tile('Bo back').waitFor();
  await decide(bo, 'Rename Gone to Bo gone', 'Leave it deleted');
  await decide(bo, 'Delete Kept', 'Keep it');
  await decide(bo, 'Delete Away', 'Delete it anyway');
  await ana.tile('Ana away').waitFor({ state: 'detached' });
  for (const person of [ana, bo]) await says(person, 'Saved');
  await agree(rest, 'deleted', ana, bo);
  // Their order in the page is put right a moment after they have eased in.
  expect(new Set(Object.values((await seen(bo)).tiles).map(({ title }) => title))).toEqual(
    new Set(['Bo back', 'Ana kept']),
  );
});

async function decide(person: Person, operation: string, answer: string): Promise<void> {
  const dialog = person.page.getByRole('dialog', { name: 'Needs your decision' });
  if ((await dialog.count()) === 0) {
    await person.counter.click();
  }
  const article = dialog.getByRole('article', { name: operation });
  await article.getByRole('button', { name: answer }).click();
  await article.waitFor({ state: 'detached' });
}
