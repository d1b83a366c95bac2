/** Texts that the server has only encrypted. */
import { fine, type Looked, looked } from './axe.ts';
import { agree, expect, says, test, whole } from './scene.ts';

const text = 'The safe opens with 4711';
const words = 'correct horse battery staple';

test('a private text is read by those who know the words, is a lock for all others, and nothing for the server', async ({
  open,
  rest,
}) => {
  const all: Looked[] = [];
  const note = { type: 'text', title: 'Note', config: { text: 'For **all**' } };
  await rest.create('private', { note }, { note: { x: 0, y: 0, w: 12, h: 8 } });
  const ana = await open('ana', '#/d/private', { still: true });
  const bo = await open('bo', '#/d/private', { still: true });
  for (const person of [ana, bo]) await says(person, 'Saved');
  await whole(ana);
  await whole(bo);

  await ana.tile('Note').focus();
  await ana.page.keyboard.press('Enter');
  await ana.button('Enter the words…').click();
  const dialog = ana.page.getByRole('dialog', { name: 'Private texts' });
  await dialog.getByLabel('The words').fill(words);
  all.push(...(await looked(ana, 'the words')));
  await dialog.getByRole('button', { name: 'Unlock' }).click();
  await dialog.waitFor({ state: 'detached' });
  const field = ana.page.getByRole('textbox', { name: 'Private text' });
  await field.fill(text);
  await field.blur();
  await ana.tile('Note').getByText(text).waitFor();
  const tile = bo.tile('Note');
  await tile.getByText('Encrypted, and its key is not here').waitFor(); // it was sealed, sent and stored
  await says(ana, 'Saved');
  const stored = JSON.stringify([await rest.document('private'), await rest.history('private')]);
  expect(stored).not.toContain('4711');
  expect(stored).toContain('"private":"eyJ0eXAiOiJkYXNod2lyZS1maWVs');

  await tile.getByText('For all').waitFor();
  expect(await bo.page.content()).not.toContain('4711');
  all.push(...(await looked(bo, 'a lock')));
  await tile.focus();
  await bo.page.keyboard.press('Enter');
  const sheet = bo.page.getByRole('complementary', { name: 'Note' });
  await sheet.getByText('Encrypted, and its key is not here').waitFor();
  expect(await sheet.getByRole('textbox', { name: 'Private text' }).count()).toBe(0);
  await sheet.getByRole('textbox', { name: 'Text', exact: true }).fill('Still for all');
  await bo.button('Close').click();
  await ana.tile('Note').getByText('Still for all').waitFor();
  await ana.tile('Note').getByText(text).waitFor();

  await tile.getByRole('button', { name: 'Unlock' }).click();
  const his = bo.page.getByRole('dialog', { name: 'Private texts' });
  await his.getByLabel('The words').fill('something else entirely');
  await his.getByRole('button', { name: 'Unlock' }).click();
  await his.getByText('This text was encrypted with other words.').waitFor();
  await his.getByLabel('The words').fill(words);
  await his.getByRole('button', { name: 'Unlock' }).click();
  await tile.getByText(text).waitFor();
  await bo.page.reload();
  await tile.getByText(text).waitFor(); // the key stays in this browser
  await bo.menu('Lock private texts');
  await tile.getByText('Encrypted, and its key is not here').waitFor();
  // Who does not know the words can still make room for another text, and take that back.
  await tile.focus();
  await bo.page.keyboard.press('Enter');
  await sheet.getByRole('button', { name: 'Remove it unread' }).click();
  await ana.tile('Note').getByText(text).waitFor({ state: 'detached' });
  await sheet.getByRole('button', { name: 'Enter the words…' }).waitFor();
  await bo.page.getByRole('button', { name: 'Undo', exact: true }).last().click();
  await ana.tile('Note').getByText(text).waitFor();
  await sheet.getByText('Encrypted, and its key is not here').waitFor();
  await bo.button('Close').click();
  const wall = await open('wall', '?kiosk#/d/private');
  await wall.tile('Note').getByText('Encrypted, and its key is not here').waitFor();
  expect(await wall.page.getByRole('button').count()).toBe(0);
  await agree(rest, 'private', ana, bo);
  fine(all);
});
