import { fine, type Looked, looked } from './axe.ts';
import type { Person } from './browser.ts';
import { renameTile } from './grid.ts';
import type { Rest } from './rest.ts';
import { expect, says, test, whole } from './scene.ts';

/** A dashboard with every kind of tile, with values, without, stale, kept and broken, and with limits passed. */
async function everyKind(rest: Rest, id: string): Promise<void> {
  const thresholds = [
    { value: 50, status: 'busy' },
    { value: 80, status: 'attention' },
    { value: 95, status: 'danger' },
  ];
  const config = { unit: 'percent', min: 0, max: 100, thresholds };
  await rest.create(
    id,
    {
      cpu: {
        type: 'timeseries',
        title: 'CPU',
        config: {
          ...config,
          series: [
            { key: 'a', label: 'user' },
            { key: 'b', label: 'system' },
          ],
        },
      },
      ok: { type: 'stat', title: 'Fine', config },
      busy: { type: 'stat', title: 'Busy', config },
      high: { type: 'stat', title: 'High', config },
      full: { type: 'stat', title: 'Full', config },
      memory: { type: 'gauge', title: 'Memory', config },
      disks: { type: 'bargauge', title: 'Disks', config },
      services: { type: 'table', title: 'Services', config: {} },
      note: {
        type: 'text',
        title: 'Note',
        config: {
          text: '# Runbook\n\n1. **Look**\n2. [Ask](https://example.com)\n\n`code`\n\n| a | b |\n|---|---|\n| 1 | 2 |\n\n- [x] done',
        },
      },
      section: { type: 'row', title: 'Section', config: {} },
      kept: { type: 'heatmap', title: 'Latencies', config: {}, grafana: { targets: [{ refId: 'A', expr: 'up' }] } },
      empty: { type: 'timeseries', title: 'Nothing yet', config: {} },
      broken: { type: 'stat', title: 'Broken', config: 7 },
    },
    {
      cpu: { x: 0, y: 0, w: 10, h: 8 },
      ok: { x: 10, y: 0, w: 4, h: 4 },
      busy: { x: 14, y: 0, w: 4, h: 4 },
      high: { x: 10, y: 4, w: 4, h: 4 },
      full: { x: 14, y: 4, w: 4, h: 4 },
      memory: { x: 18, y: 0, w: 6, h: 8 },
      section: { x: 0, y: 8, w: 24, h: 1 },
      disks: { x: 0, y: 9, w: 6, h: 6 },
      services: { x: 6, y: 9, w: 6, h: 6 },
      note: { x: 12, y: 9, w: 6, h: 6 },
      kept: { x: 18, y: 9, w: 6, h: 6 },
      empty: { x: 0, y: 15, w: 12, h: 6 },
      broken: { x: 12, y: 15, w: 12, h: 6 },
    },
    { title: 'Every kind', conflictPolicy: 'ask' },
  );
  const now = Date.now();
  const wave = (at: number) => Math.round(50 + 40 * Math.sin(at));
  await rest.value(
    id,
    'cpu',
    Array.from({ length: 60 }, (_, i) => [now - (60 - i) * 1000, wave(i / 9), wave(i / 5)]),
    'append',
  );
  for (const [widget, value] of Object.entries({ ok: 12, busy: 61, high: 84, full: 97, memory: 84 })) {
    await rest.value(id, widget, { value, detail: `${value} of 100` });
  }
  await rest.value(id, 'disks', {
    values: [
      { label: '/', value: 40 },
      { label: '/var', value: 82 },
      { label: '/home', value: 99 },
    ],
  });
  await rest.value(id, 'services', {
    columns: ['Service', 'State'],
    rows: [
      ['search', 'up'],
      ['mail', 'down'],
    ],
  });
}

test('axe finds nothing wrong on a dashboard, in its sheets, menus and dialogs, in light and dark', async ({
  open,
  rest,
}) => {
  await everyKind(rest, 'kinds');
  const ana = await open('ana', '#/d/kinds', { still: true, height: 1400 });
  const bo = await open('bo', '#/d/kinds');
  await says(ana, 'Saved');
  await says(bo, 'Saved');
  await whole(ana);
  const { page } = ana;
  const all: Looked[] = [];
  const look = async (where: string) => all.push(...(await looked(ana, where)));
  const sheet = (name: string | RegExp) => page.getByRole('complementary', { name });
  await ana.tile('Nothing yet').getByText('No values yet').waitFor();
  await look('dashboard');

  await ana.tile('CPU').focus();
  await look('a tile with the focus');
  await page.keyboard.press('m');
  await page.keyboard.press('ArrowRight');
  await look('a tile moved by keys');
  await page.keyboard.press('Escape');
  for (const title of ['CPU', 'Note', 'Broken', 'Latencies']) {
    await ana.tile(title).focus();
    await page.keyboard.press('Enter');
    await sheet(title).waitFor();
    await look(`settings of ${title}`);
    await page.keyboard.press('Escape');
    await sheet(title).waitFor({ state: 'detached' });
  }
  await page.keyboard.press('a');
  await sheet('Add a tile').waitFor();
  await look('gallery');
  await page.keyboard.press('Escape');

  await renameTile(bo, 'Fine', 'Good');
  await ana.tile('Good').waitFor();
  await page.keyboard.press('h');
  const entries = sheet('History').getByRole('listitem').getByRole('button');
  await entries.first().waitFor();
  await look('history');
  await entries.last().click();
  await page
    .getByRole('main', { name: 'Version 1, to look at' })
    .getByRole('group', { name: /^Fine/ })
    .first()
    .waitFor();
  await look('an older version');
  await ana.button('Back to now').click();
  await sheet('History').getByRole('button', { name: 'Close' }).click();

  await ana.button('Menu').click();
  await page.getByRole('menu').waitFor();
  await look('menu');
  await page.getByRole('menuitem', { name: /^Keys/ }).click();
  await page.getByRole('dialog', { name: 'Keys' }).waitFor();
  await look('list of keys');
  await page.keyboard.press('Escape');
  await bo.tile('CPU').focus();
  await bo.page.keyboard.press('Enter');
  await expect.poll(() => ana.tile('CPU').locator('..').textContent()).toContain('bo');
  await look('somebody at a tile');

  await ana.context.setOffline(true);
  await renameTile(ana, 'Busy', 'Mine');
  await says(ana, 'Offline: 1 change kept on this device');
  await ana.button(/^1 change not saved yet/).click();
  await page.getByRole('region', { name: 'Changes not saved yet' }).waitFor();
  await look('list of pending changes, offline');
  await page.keyboard.press('Escape');
  await rest.patchWidget('kinds', 'busy', { title: 'Theirs' });
  await ana.context.setOffline(false);
  await says(ana, 'Needs your decision (1)');
  await look('a conflict');
  await ana.counter.click();
  await page.getByRole('dialog', { name: 'Needs your decision' }).waitFor();
  await look('conflicts open');
  await page.getByRole('dialog').getByRole('button', { name: 'All mine' }).click();
  await ana.tile('Mine').focus();
  await page.keyboard.press('Delete');
  await page.getByText('Deleted Mine.').waitFor();
  await look('a toast');
  fine(all);
}, 120_000);

test('axe finds nothing wrong on the other pages, on a phone and on a wall, in light and dark', async ({
  open,
  rest,
}) => {
  await everyKind(rest, 'pages');
  const all: Looked[] = [];
  const ana = await open('ana', '#/d/pages', { still: true, width: 390, height: 844, touch: true });
  await says(ana, 'Saved');
  await ana.tile('CPU').waitFor();
  all.push(...(await looked(ana, 'phone')));
  await ana.button('Menu').click();
  await ana.page.getByRole('menu').waitFor();
  all.push(...(await looked(ana, 'menu on a phone')));
  await ana.page.keyboard.press('Escape');
  await ana.tile('CPU').focus();
  await ana.page.keyboard.press('Enter');
  await ana.page.getByRole('complementary', { name: 'CPU' }).waitFor();
  all.push(...(await looked(ana, 'settings on a phone')));

  const pages: readonly (readonly [where: string, place: string, ready: (person: Person) => Promise<unknown>])[] = [
    ['dashboards', '#/', (person) => person.page.getByRole('link', { name: 'Every kind' }).first().waitFor()],
    ['wall', '?kiosk#/d/pages', (person) => person.tile('Note').waitFor()],
    [
      'a deleted dashboard',
      '#/d/deleted',
      async (person) => {
        await says(person, 'Saved');
        await rest.delete('deleted');
        await person.page.getByRole('heading', { name: 'This dashboard was deleted' }).waitFor();
      },
    ],
    [
      'an address that is none',
      '#/d/a b',
      (person) => person.page.getByRole('heading', { name: 'This address names no dashboard' }).waitFor(),
    ],
    [
      'an empty dashboard',
      '#/d/empty',
      (person) => person.page.getByRole('heading', { name: 'Nothing here yet' }).waitFor(),
    ],
  ];
  await rest.create('empty', {});
  await rest.create('deleted', {});
  const cy = await open('', '#/d/empty', { still: true });
  await cy.menu(/Change your name/);
  await cy.page.getByRole('dialog', { name: 'Your name' }).waitFor();
  all.push(...(await looked(cy, 'change of name')));
  for (const [where, place, ready] of pages) {
    const bo = await open('bo', place, { still: true });
    await ready(bo);
    all.push(...(await looked(bo, where)));
    await bo.close();
  }
  fine(all);
});
