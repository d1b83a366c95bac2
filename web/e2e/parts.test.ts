import { renameTile } from './grid.ts';
import { agree, expect, says, test } from './scene.ts';

test('a part of the page that the server has no more is told of, comes once it can, and all else stays in use', async ({
  open,
  rest,
}) => {
  await rest.create('parts', { note: { type: 'text', title: 'Note', config: { text: 'Hello' } } });
  let refused = 0;
  let away = true;
  const ana = await open('ana', '#/d/parts', {
    prepare: (page) =>
      page.route(/\/assets\/(gallery|help|menu)-[^/]*\.js$/, (route) => {
        if (!away) return route.continue();
        refused++;
        return route.abort();
      }),
  });
  await says(ana, 'Saved');
  const told = ana.page.getByText(/^A part of the page could not be fetched: .* Reload the page/);
  // The menu is wanted from the beginning.
  for (const key of [null, 'a', '?']) {
    if (key !== null) {
      await ana.tile('Note').focus();
      await ana.page.keyboard.press(key);
    }
    await told.first().waitFor();
    await ana.button('Reload').waitFor();
    await ana.button('Dismiss').click();
    await told.waitFor({ state: 'detached' });
  }
  expect(refused).toBeGreaterThanOrEqual(3);
  await expect.poll(() => ana.button('Menu').isDisabled()).toBe(true);
  await renameTile(ana, 'Note', 'Still here');
  await ana.tile('Still here').focus();
  await ana.page.keyboard.press('Enter');
  await ana.page.getByRole('complementary', { name: 'Still here' }).waitFor();
  await ana.page.keyboard.press('Escape');
  await agree(rest, 'parts', ana);

  away = false;
  await ana.page.getByRole('dialog').waitFor(); // the help, which is asked for still
  await ana.page.keyboard.press('Escape');
  await ana.page.getByRole('dialog').waitFor({ state: 'detached' });
  await expect.poll(() => ana.button('Menu').isDisabled()).toBe(false);
  await ana.button('Menu').click();
  await ana.page.getByRole('menuitem', { name: 'Export for Grafana' }).waitFor();
  await ana.page.keyboard.press('Escape');
  await ana.tile('Still here').focus();
  await ana.page.keyboard.press('a');
  await ana.page.getByRole('complementary', { name: 'Add a tile' }).waitFor();
  expect(ana.loads).toBe(1);
});

test('without a connection, or while the server is away, nobody is told to reload, and what is missing comes by itself', async ({
  open,
  rest,
  server,
}) => {
  await rest.create('away', { note: { type: 'text', title: 'Note', config: { text: 'Hello' } } });
  const missing = new Set(['gallery', 'help']);
  const ana = await open('ana', '#/d/away', {
    prepare: (page) =>
      page.route(/\/assets\/(gallery|help)-[^/]*\.js$/, (route) => {
        const [, part = ''] = /\/(\w+)-[^/]*$/.exec(route.request().url()) ?? [];
        return missing.has(part) ? route.abort() : route.continue();
      }),
  });
  await says(ana, 'Saved');
  await expect.poll(() => ana.button('Menu').isDisabled()).toBe(false);
  const told = ana.page.getByText(
    'A part of the page needs the server. It comes by itself once you are connected again.',
  );
  const ask = async (key: string) => {
    await ana.tile('Note').focus();
    await ana.page.keyboard.press(key);
    await told.waitFor();
    expect(await ana.button('Reload').count()).toBe(0);
    await ana.button('Dismiss').click();
    await told.waitFor({ state: 'detached' });
  };

  await ana.context.setOffline(true);
  await ask('a');
  missing.delete('gallery');
  await ana.context.setOffline(false);
  await ana.page.getByRole('complementary', { name: 'Add a tile' }).waitFor();
  await ana.page.keyboard.press('Escape');

  await server.kill();
  await ask('?');
  missing.delete('help');
  await server.restart();
  await ana.page.getByRole('dialog').waitFor();
  expect(ana.loads).toBe(1);
});

test('the list of dashboards that is opened without a connection comes by itself once that is back', async ({
  open,
  rest,
}) => {
  await rest.create('listed', { note: { type: 'text', title: 'Note', config: { text: 'Hello' } } });
  const ana = await open('ana', '#/d/listed');
  await says(ana, 'Saved');
  const fetched = (part: string) =>
    ana.page.evaluate(
      (part) => performance.getEntriesByType('resource').some(({ name }) => name.includes(`/assets/${part}-`)),
      part,
    );
  for (const part of ['dashboards', 'rest']) await expect.poll(() => fetched(part)).toBe(true);
  await ana.context.setOffline(true);
  await ana.page.getByRole('link', { name: 'All dashboards' }).click();
  await ana.page.getByText('The list needs the connection. It comes by itself once that is back.').waitFor();
  await ana.context.setOffline(false);
  await ana.page.getByRole('list', { name: 'Dashboards' }).getByText('listed').first().waitFor();
  expect(ana.loads).toBe(1);
});

test('a list and a history that something in between keeps back say what it was, and come by themselves once it is gone', async ({
  open,
  rest,
}) => {
  await rest.create('between', { note: { type: 'text', title: 'Note', config: { text: 'Hello' } } });
  let answer: { status: number; body: string } | undefined = { status: 502, body: '<h1>Bad gateway</h1>' };
  const ana = await open('ana', '#/d/between', {
    prepare: (page) =>
      page.route(/\/api\/dashboards(\/between\/history)?\?/, (route) =>
        answer === undefined ? route.continue() : route.fulfill({ ...answer, contentType: 'text/html' }),
      ),
  });
  await says(ana, 'Saved');
  await ana.button('History').click();
  const away = 'The server, or what stands before it, answered with HTTP 502: try again. It comes by itself';
  await ana.page.getByText(away).waitFor();
  answer = undefined;
  await ana.page.getByRole('complementary', { name: 'History' }).getByText('Made the dashboard').first().waitFor();
  // What is no Dashwire, such as the page of a network that wants a sign-in of its own.
  answer = { status: 200, body: '<h1>Welcome to our guests</h1>' };
  await ana.page.getByRole('link', { name: 'All dashboards' }).click();
  await ana.page.getByText('The answer is none of a Dashwire server: look at the address.').waitFor();
  await ana.context.setOffline(true);
  await says(ana, 'Offline');
  answer = undefined;
  await ana.context.setOffline(false);
  await ana.page.getByRole('list', { name: 'Dashboards' }).getByText('between').first().waitFor();
  expect(ana.loads).toBe(1);
});
