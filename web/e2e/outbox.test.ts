import { readFile } from 'node:fs/promises';
import type { BrowserContext, Page } from 'playwright-core';
import { startProxy } from '../testing/proxy.ts';
import { moveTile, renameTile } from './grid.ts';
import { agree, expect, says, test, whole } from './scene.ts';

const stat = (title: string) => ({ type: 'stat', title, config: {} });
const widgets = { cpu: stat('CPU'), disk: stat('Disk') };
const places = { cpu: { x: 0, y: 0, w: 6, h: 5 }, disk: { x: 6, y: 0, w: 6, h: 5 } };

test('M8: a reload with a full outbox and no server loses nothing, and sends each change once', async ({
  open,
  rest,
  server,
}) => {
  await rest.create('outbox', widgets, places);
  const ana = await open('ana', '#/d/outbox');
  await says(ana, 'Saved');
  await whole(ana);
  await keepPage(ana.context, server.url);

  await server.kill();
  await says(ana, 'Reconnecting…');
  await renameTile(ana, 'CPU', 'Processor');
  await moveTile(ana, 'Disk', { x: 6 });
  await renameTile(ana, 'Disk', 'Storage');
  await ana.button(/^3 changes not saved yet/).click();
  const list = ana.page.getByRole('region', { name: 'Changes not saved yet' });
  await expect.poll(() => list.textContent()).toContain('They are kept on this device until they are saved.');
  expect(await list.getByRole('listitem').locator('bdi').allTextContents()).toEqual([
    'Rename CPU to Processor',
    'Move Disk',
    'Rename Disk to Storage',
  ]);
  const file = ana.page.waitForEvent('download');
  await list.getByRole('button', { name: 'Export all' }).click();
  const kept: { id: string }[] = JSON.parse(await readFile(await (await file).path(), 'utf8'));
  await ana.context.setOffline(true);
  await says(ana, 'Offline: 3 changes kept on this device');

  await ana.page.reload();
  await says(ana, 'Offline: 3 changes kept on this device');
  await ana.context.setOffline(false);
  await says(ana, 'Reconnecting…');
  await server.restart();
  await says(ana, 'Saved');
  expect(ana.dialogs).toEqual([]);

  await ana.tile('Processor').waitFor();
  await agree(rest, 'outbox', ana);
  const { layouts, widgets: stored, version } = await rest.document('outbox');
  expect([stored.cpu?.title, stored.disk?.title]).toEqual(['Processor', 'Storage']);
  expect(layouts.main?.items.disk).toMatchObject({ x: 12 });
  expect(version).toBe(4);
  expect((await rest.history('outbox')).map(({ id }) => id).slice(1)).toEqual(kept.map(({ id }) => id));
});

test('M8: what was sent when the answer was lost is not done twice', async ({ open, rest, server }) => {
  await rest.create('doubt', widgets, places);
  await using proxy = await startProxy(server.port);
  const ana = await open('ana', '#/d/doubt', { at: proxy });
  await says(ana, 'Saved');
  await whole(ana);
  for (let i = 1; i <= 4; i++) {
    proxy.stall(true);
    await renameTile(ana, i === 1 ? 'CPU' : `CPU ${i - 1}`, `CPU ${i}`);
    await says(ana, 'Saving…');
    proxy.stall(false); // the change goes out, and the line breaks at whatever moment of it
    if (i % 2 === 0) await expect.poll(async () => (await rest.document('doubt')).version).toBe(i + 1);
    const { accepted } = proxy;
    proxy.cut();
    await expect.poll(() => proxy.accepted).toBeGreaterThan(accepted);
    await says(ana, 'Saved');
  }
  await agree(rest, 'doubt', ana);
  const history = await rest.history('doubt');
  expect(history.map(({ payload }) => payload.change.widgets?.cpu)).toMatchObject([
    { value: { title: 'CPU' } },
    { set: { '/title': 'CPU 1' } },
    { set: { '/title': 'CPU 2' } },
    { set: { '/title': 'CPU 3' } },
    { set: { '/title': 'CPU 4' } },
  ]);
  expect(ana.loads).toBe(1);
});

/** Has a browser keep the files of the page, as its cache would, so that it can be loaded while the server is down. */
async function keepPage(context: BrowserContext, url: string): Promise<void> {
  const kept = new Map<string, { body: Buffer; headers: Record<string, string> }>();
  const fetched = async (path: string) => {
    const answer = await fetch(new URL(path, url));
    const { 'content-encoding': _, 'content-length': __, ...headers } = Object.fromEntries(answer.headers);
    const body = Buffer.from(await answer.arrayBuffer());
    kept.set(new URL(path, url).pathname, { body, headers });
    return body.toString();
  };
  const paths = (text: string) =>
    [...text.matchAll(/(?:\.\/)?(?:assets\/)?[\w-]+\.(?:js|css|svg)/g)].map(([path]) => path);
  const waiting = ['/', ...paths(await fetched('/')).map((path) => `/${path.replace('./', '')}`)];
  for (const path of waiting) {
    if (kept.has(path)) continue;
    const text = await fetched(path);
    if (!path.endsWith('.js')) continue;
    waiting.push(...paths(text).map((name) => `/assets/${name.replace(/^\.\/|^assets\//g, '')}`));
  }
  await context.grantPermissions(['local-network-access']); // a page that comes from nowhere is not of this machine
  await context.route(
    (asked) => kept.has(asked.pathname),
    (route) => route.fulfill(kept.get(new URL(route.request().url()).pathname) ?? { status: 404 }),
  );
}

test('what is typed is saved when the page goes out of sight, and what is typed after that too', async ({
  open,
  rest,
}) => {
  await rest.create('hidden', { note: { type: 'text', title: 'Note', config: { text: 'Hello' } } });
  const ana = await open('ana', '#/d/hidden');
  await says(ana, 'Saved');
  await whole(ana);
  const stored = async () => (await rest.document('hidden')).widgets.note?.config;
  await ana.tile('Note').focus();
  await ana.page.keyboard.press('Enter');
  await ana.page.getByRole('complementary').getByPlaceholder('Markdown:').click();
  await ana.page.keyboard.press('Control+a');
  await ana.page.keyboard.type('First');
  await hide(ana.page);
  await expect.poll(stored).toEqual({ text: 'First' });
  await ana.page.keyboard.type(' and second');
  await ana.page.keyboard.press('Tab');
  await expect.poll(stored).toEqual({ text: 'First and second' });
  await ana.page.keyboard.press('Escape');

  await ana
    .tile('Note')
    .getByRole('heading')
    .first()
    .dblclick({ position: { x: 8, y: 8 } });
  await ana.tile('Note').getByRole('textbox', { name: 'Title' }).fill('Read me');
  await hide(ana.page);
  await expect.poll(async () => (await rest.document('hidden')).widgets.note?.title).toBe('Read me');
  await ana.page.getByRole('textbox', { name: 'Name of the dashboard' }).fill('Seen');
  await hide(ana.page);
  await expect.poll(async () => (await rest.document('hidden')).settings.title).toBe('Seen');
  await agree(rest, 'hidden', ana);
});

/** Tells a page that it is out of sight, which a window without a screen never is. */
async function hide(page: Page): Promise<void> {
  await page.evaluate(() => {
    Object.defineProperty(document, 'visibilityState', { configurable: true, value: 'hidden' });
    document.dispatchEvent(new Event('visibilitychange'));
    Reflect.deleteProperty(document, 'visibilityState');
  });
}
