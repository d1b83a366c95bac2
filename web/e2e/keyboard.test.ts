import type { Person } from './browser.ts';
import { seen } from './grid.ts';
import { agree, expect, says, test } from './scene.ts';

const stat = (title: string) => ({ type: 'stat', title, config: {} });
const widgets = { cpu: stat('CPU'), disk: stat('Disk'), net: stat('Network') };
const places = {
  cpu: { x: 0, y: 0, w: 6, h: 5 },
  disk: { x: 6, y: 0, w: 6, h: 5 },
  net: { x: 0, y: 5, w: 6, h: 5 },
};

/** Waits until a screen reader was told so. */
const told = (person: Person, words: string | RegExp) => {
  const is = expect.poll(() => person.page.locator('[aria-live="polite"].ui-unseen').textContent());
  return typeof words === 'string' ? is.toBe(words) : is.toMatch(words);
};

/** The name of what has the focus. */
const focused = (person: Person) =>
  person.page.evaluate(() => {
    const { activeElement } = document;
    return activeElement?.getAttribute('aria-label') ?? activeElement?.textContent ?? '';
  });

test('everything is done by keys alone, and told', async ({ open, rest }) => {
  await rest.create('keys', widgets, places);
  const ana = await open('ana', '#/d/keys');
  const bo = await open('bo', '#/d/keys');
  await agree(rest, 'keys', ana, bo);
  const { keyboard } = ana.page;
  const press = async (...keys: readonly string[]) => {
    for (const key of keys) await keyboard.press(key);
  };

  // Tab reaches the tiles, arrow keys go from one to the next.
  for (let i = 0; i < 40 && (await focused(ana)) !== 'CPU'; i++) await press('Tab');
  expect(await focused(ana)).toBe('CPU');
  await press('ArrowRight');
  expect(await focused(ana)).toBe('Disk');
  await press('ArrowLeft', 'ArrowDown');
  expect(await focused(ana)).toBe('Network');
  await press('Home');
  expect(await focused(ana)).toBe('CPU');
  await press('End');
  expect(await focused(ana)).toBe('Network');

  // Move, and put back.
  await press('m');
  await told(ana, 'Moving Network: column 1, row 6, 6 wide, 5 high. Arrow keys, then Enter, or Escape to put it back.');
  await press('ArrowRight');
  await told(ana, 'column 2, row 6, 6 wide, 5 high');
  await press('Escape');
  await told(ana, 'Network is back where it was.');
  await press('m', 'ArrowLeft');
  await told(ana, 'It cannot go further that way.');
  for (let i = 0; i < 12; i++) await press('ArrowRight');
  await press('Enter');
  await told(ana, 'Network is at column 13, row 1, 6 wide, 5 high.');
  await expect.poll(async () => (await seen(bo)).tiles.net).toMatchObject({ x: 12, y: 0 });

  // Resize.
  await press('r', 'ArrowRight', 'ArrowRight', 'ArrowDown', 'Enter');
  await told(ana, 'Network is at column 13, row 1, 8 wide, 6 high.');
  await expect.poll(async () => (await seen(bo)).tiles.net).toMatchObject({ w: 8, h: 6 });

  // Rename: Escape keeps the old name, Enter takes the new one, and the focus stays at the tile.
  await press('F2');
  await keyboard.type('Wrong');
  await press('Escape');
  expect(await focused(ana)).toBe('Network');
  await press('F2');
  await keyboard.type('Net');
  await press('Enter');
  await bo.tile('Net').waitFor();
  await expect.poll(() => focused(ana)).toBe('Net');

  // Settings, and back to the tile.
  await press('Enter');
  const title = ana.page.getByRole('textbox', { name: 'Title' });
  await expect.poll(() => title.evaluate((field) => field === document.activeElement)).toBe(true);
  await keyboard.press('ControlOrMeta+a');
  await keyboard.type('Uplink');
  await press('Escape');
  await expect.poll(() => focused(ana)).toBe('Uplink');
  await bo.tile('Uplink').waitFor();

  // Undo all of it, and do it again.
  const undo = async (words: string) => {
    await press('ControlOrMeta+z');
    await told(ana, words);
  };
  await undo('Undone.');
  await bo.tile('Net').waitFor();
  await undo('Undone.');
  await bo.tile('Network').waitFor();
  await undo('Undone.');
  await expect.poll(async () => (await seen(bo)).tiles.net).toMatchObject({ w: 6, h: 5 });
  await undo('Undone.');
  await expect.poll(async () => (await seen(bo)).tiles.net).toMatchObject({ x: 0, y: 5 });
  await press('ControlOrMeta+Shift+z');
  await told(ana, 'Done again.');
  await expect.poll(async () => (await seen(bo)).tiles.net).toMatchObject({ x: 12, y: 0 });

  // Duplicate, delete.
  await press('d');
  await told(ana, 'Duplicated Network.');
  await bo.tile('Network copy').waitFor();
  await press('Delete');
  await bo.tile('Network').waitFor({ state: 'detached' });
  await press('ControlOrMeta+z');
  await bo.tile('Network').waitFor();

  // Add one from the gallery: the focus goes to it.
  await press('a');
  await ana.page.getByRole('complementary', { name: 'Add a tile' }).waitFor();
  await press('ArrowDown');
  expect(await focused(ana)).toContain('Number');
  await press('Enter');
  await told(ana, 'Added Number.');
  await expect.poll(() => focused(ana)).toBe('Number');
  await bo.tile('Number').waitFor();

  // The list of keys, and the menu.
  await press('?');
  await ana.page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await press('Escape');
  await ana.page.getByRole('dialog', { name: 'Keys' }).waitFor({ state: 'detached' });
  await press(']');
  await told(ana, 'Showing 5 minutes.');
  await agree(rest, 'keys', ana, bo);
  await says(ana, 'Saved');
});

test('M10: a conflict is decided by keys alone', async ({ open, rest }) => {
  await rest.create('keys-clash', widgets, places, { title: 'keys', conflictPolicy: 'ask' });
  const ana = await open('ana', '#/d/keys-clash');
  await says(ana, 'Saved');
  const { keyboard } = ana.page;
  await ana.context.setOffline(true);
  await ana.tile('CPU').focus();
  await keyboard.press('F2');
  await keyboard.type('Mine');
  await keyboard.press('Enter');
  await says(ana, 'Offline: 1 change kept on this device');
  await rest.patchWidget('keys-clash', 'cpu', { title: 'Theirs' });
  await ana.context.setOffline(false);
  await says(ana, 'Needs your decision (1)');
  await expect.poll(() => focused(ana)).toBe('Theirs'); // nothing took the focus
  for (let i = 0; i < 12 && !(await focused(ana)).includes('Needs your decision'); i++) await keyboard.press('Tab');
  await keyboard.press('Enter');
  const dialog = ana.page.getByRole('dialog', { name: 'Needs your decision' });
  await dialog.waitFor();
  const inField = () =>
    dialog.getByRole('group', { name: 'title' }).evaluate((one) => one.contains(document.activeElement));
  for (let i = 0; i < 8 && !(await inField()); i++) await keyboard.press('Tab');
  await keyboard.press('2');
  for (let i = 0; i < 8 && (await focused(ana)) !== 'Use what I chose'; i++) await keyboard.press('Tab');
  await keyboard.press('Enter');
  await ana.tile('Mine').waitFor();
  await says(ana, 'Saved');
  expect((await rest.document('keys-clash')).widgets.cpu?.title).toBe('Mine');
});
