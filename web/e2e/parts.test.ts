import { renameTile } from './grid.ts';
import { agree, expect, says, test } from './scene.ts';

test('a part of the page that cannot be fetched is told of, and all else stays in use', async ({ open, rest }) => {
  await rest.create('parts', { note: { type: 'text', title: 'Note', config: { text: 'Hello' } } });
  const ana = await open('ana', '#/d/parts', {
    prepare: (page) => page.route(/\/assets\/(gallery|help)-[^/]*\.js$/, (route) => route.abort()),
  });
  await says(ana, 'Saved');
  const told = ana.page.getByText('A part of the page could not be fetched.');
  for (const key of ['a', '?']) {
    await ana.tile('Note').focus();
    await ana.page.keyboard.press(key);
    await told.first().waitFor();
    await ana.button('Dismiss').click();
    await told.waitFor({ state: 'detached' });
  }
  await renameTile(ana, 'Note', 'Still here');
  await ana.tile('Still here').focus();
  await ana.page.keyboard.press('Enter');
  await ana.page.getByRole('complementary', { name: 'Still here' }).waitFor();
  await agree(rest, 'parts', ana);

  const errors = ana.errors.splice(0);
  expect(errors).not.toEqual([]);
  for (const error of errors) expect(error).toMatch(/Failed to fetch dynamically imported module/);
});
