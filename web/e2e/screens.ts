/**
 * Takes docs/screens: every screen of the demo with a minute of real values of this machine, in light and dark. Other folder:
 * `node e2e/screens.ts FOLDER`.
 */
import { mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import type { Browser } from 'playwright-core';
import { startServer } from '../testing/server.ts';
import { launch, Person, type WindowOptions } from './browser.ts';
import { moveTile, press, renameTile, resizeTile, slide } from './grid.ts';
import { Rest } from './rest.ts';

const folder = resolve(process.argv[2] ?? join(import.meta.dirname, '../../docs/screens'));
/** How long values are gathered before the first picture, in ms. */
const gatherMs = 65_000;
const most = 4 << 20;

await mkdir(folder, { recursive: true });
for (const name of await readdir(folder)) if (name.endsWith('.png')) await rm(join(folder, name));
const server = await startServer({ demo: true });
const browser = await launch();
try {
  await take(browser);
} finally {
  await browser.close();
  await server.dispose();
}
let total = 0;
for (const name of (await readdir(folder)).sort()) {
  const { size } = await stat(join(folder, name));
  total += size;
  console.log(`${name} ${Math.round(size / 1024)} KiB`);
}
console.log(`${(total / (1 << 20)).toFixed(1)} MiB in all`);
if (total > most) throw new Error(`the pictures have more than ${most} bytes`);

async function take(browser: Browser): Promise<void> {
  const rest = new Rest(server);
  const open = (name: string, place: string, options?: WindowOptions) =>
    Person.open(browser, name, `${server.url}/${place}`, { still: true, ...options });

  await rest.patchSettings('machine', { title: 'This machine' });
  await others(rest);
  const ana = await open('Ana', '#/d/machine');
  const bo = await open('Bo', '#/d/machine');
  const cy = await open('Cy', '#/d/machine');
  for (const person of [ana, bo, cy]) await person.tile('Processors').waitFor();
  await delay(gatherMs);

  // Two people at once: one edits a note, one moves a tile.
  await cy.tile('Memory').focus();
  await cy.page.keyboard.press('Enter');
  const held = await press(bo, 'Load', 'move');
  await slide(bo.page, held, { x: -3, y: 5 });
  await ana.page.locator('.ghost').waitFor();
  await both(ana, 'dashboard');
  await bo.page.keyboard.press('Escape');
  await bo.page.mouse.up();
  await cy.close();

  for (const [name, place, options] of [
    ['phone', '#/d/machine', { width: 390, height: 844, touch: true }],
    ['kiosk', '?kiosk#/d/machine', { width: 2560, height: 1440 }],
    ['wide', '#/d/machine', { width: 2560, height: 1440 }],
  ] as const) {
    const person = await open('Dan', place, options);
    await person.tile('Processors').waitFor();
    await delay(3000); // all charts are drawn
    await both(person, name);
    await person.close();
  }

  await ana.tile('Processors').focus();
  await ana.page.keyboard.press('Enter');
  await ana.page.getByRole('textbox', { name: 'Title' }).waitFor();
  await both(ana, 'settings');
  await ana.page.keyboard.press('Escape');

  await ana.page.keyboard.press('a');
  await ana.page.getByRole('complementary', { name: 'Add a tile' }).waitFor();
  await delay(2000); // the previews begin to move
  await both(ana, 'gallery');
  await ana.page.keyboard.press('Escape');

  // A past.
  await renameTile(bo, 'Load', 'Load of all cores');
  await moveTile(ana, 'Processors', { x: 0, y: 8 });
  await resizeTile(bo, 'Memory', { y: 2 });
  await ana.page.keyboard.press('h');
  const history = ana.page.getByRole('complementary', { name: 'History' });
  await history.getByRole('listitem').getByRole('button').nth(2).click();
  await ana.button('Back to now').waitFor();
  await delay(1000); // the charts of the past are drawn
  await both(ana, 'history');
  await ana.button('Back to now').click();
  await history.getByRole('button', { name: 'Close' }).click();

  // Without a network, and what comes of it.
  await rest.patchSettings('machine', { conflictPolicy: 'ask' });
  await ana.context.setOffline(true);
  await renameTile(ana, 'Load of all cores', 'Load average');
  await moveTile(ana, 'Processors', { x: 0, y: -8 });
  await ana.button(/^\d changes not saved yet/).click();
  await both(ana, 'offline');
  await ana.page.keyboard.press('Escape');
  await renameTile(bo, 'Load of all cores', 'Load');
  await bo.page.locator('[data-dw-state="saved"]').waitFor();
  await ana.context.setOffline(false);
  await ana.counter.click();
  await ana.page.getByRole('dialog').waitFor();
  await both(ana, 'conflict');
  await ana.page.getByRole('dialog').getByRole('button', { name: 'All mine' }).click();
  await bo.close();

  const list = await open('Ana', '#/');
  const eve = await open('Eve', '#/d/web-shop');
  await list.page.getByRole('link', { name: 'Web shop' }).waitFor();
  await list.page
    .getByRole('img', { name: /^Here now: / })
    .first()
    .waitFor();
  await both(list, 'dashboards');
  await list.close();
  await eve.close();

  await ana.close();
}

/** A picture in light and one in dark. */
async function both({ page }: Person, name: string): Promise<void> {
  for (const [colorScheme, suffix] of [
    ['dark', '-dark'],
    ['light', ''],
  ] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    await page.waitForFunction(
      () => new Promise((resolve) => requestAnimationFrame(() => setTimeout(() => resolve(true), 1300))),
    ); // with less motion charts take the other colours within a second
    await page.screenshot({ path: join(folder, `${name}${suffix}.png`) });
  }
}

/** More dashboards for the list. */
async function others(rest: Rest): Promise<void> {
  const titles = ['Web shop', 'Build farm', 'Payments', 'Search', 'Warehouse'];
  const types = ['timeseries', 'stat', 'gauge', 'bargauge', 'table', 'text'];
  for (const [at, title] of titles.entries()) {
    const id = title.toLowerCase().replace(' ', '-');
    const widgets: Record<string, { type: string; title: string; config: { unit: string } }> = {};
    const places: Record<string, { x: number; y: number; w: number; h: number }> = {};
    const wide = [24, 12, 8, 12, 6][at] ?? 8;
    for (let i = 0; i < 6 + at; i++) {
      const type = types[(i + at) % types.length] ?? 'stat';
      widgets[`w${i}`] = { type, title: `${title} ${i + 1}`, config: { unit: 'percent' } };
      places[`w${i}`] = i === 0 ? { x: 0, y: 0, w: wide, h: 8 } : { x: (wide + (i - 1) * 6) % 24, y: i, w: 6, h: 6 };
    }
    await rest.create(id, widgets, places, { title });
  }
}
