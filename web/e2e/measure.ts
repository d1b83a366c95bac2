/**
 * Prints what a person waits for, and what an open page costs: `node e2e/measure.ts [--edits 200] [--minutes 2]`. Numbers decide
 * nothing; they are of this machine.
 */
import { setTimeout as delay } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import type { Browser, CDPSession, Page } from 'playwright-core';
import { startServer } from '../testing/server.ts';
import { launch, Person } from './browser.ts';
import { countRenders, rendersSince } from './renders.ts';
import { Rest } from './rest.ts';

const { values: options } = parseArgs({
  options: { edits: { type: 'string', default: '200' }, minutes: { type: 'string', default: '2' } },
});
const server = await startServer({ demo: true });
const browser = await launch();
try {
  await firstLoad(browser);
  await edits(browser, Number(options.edits));
  await memory(browser, Number(options.minutes));
} finally {
  await browser.close();
  await server.dispose();
}

/** From the first request of a browser that has nothing to the first chart on the screen, and what went over the wire. */
async function firstLoad(browser: Browser): Promise<void> {
  // The values of the machine are there when the page comes.
  await delay(3000);
  const times: number[] = [];
  let bytes = 0;
  let requests = 0;
  for (let round = 0; round < 5; round++) {
    const context = await browser.newContext({ viewport: { width: 1280, height: 800 } });
    const page = await context.newPage();
    const cdp = await context.newCDPSession(page);
    await cdp.send('Network.enable');
    [bytes, requests] = [0, 0];
    cdp.on('Network.loadingFinished', ({ encodedDataLength }) => {
      bytes += encodedDataLength;
      requests++;
    });
    const start = performance.now();
    await page.goto(`${server.url}/?userId=ana#/d/machine`, { waitUntil: 'commit' });
    // A chart is drawn when its canvas has something on it.
    await page.waitForFunction(
      () => {
        const canvas = document.querySelector<HTMLCanvasElement>('.kind-timeseries canvas');
        const ink = canvas?.getContext('2d')?.getImageData(0, 0, canvas.width, canvas.height).data;
        return ink?.some((part) => part !== 0);
      },
      null,
      { polling: 'raf' },
    );
    times.push(performance.now() - start);
    const settled = bytes;
    if (round === 4)
      console.log(`first load: ${kib(settled)} KiB in ${requests} requests until the first chart is drawn`);
    await context.close();
  }
  console.log(`first chart after ${line(times)} ms on a cold cache`);
}

/** From an edit in one window to its paint in another; and what React draws for it. */
async function edits(browser: Browser, count: number): Promise<void> {
  const rest = new Rest(server);
  const stat = (title: string) => ({ type: 'text', title, config: { text: 'x' } });
  const ids = Array.from({ length: 20 }, (_, i) => `w${i}`);
  await rest.create('speed', Object.fromEntries(ids.map((id) => [id, stat(id)])));
  const ana = await Person.open(browser, 'ana', `${server.url}/#/d/speed`, { prepare: countRenders });
  const bo = await Person.open(browser, 'bo', `${server.url}/#/d/speed`, { prepare: countRenders });
  for (const person of [ana, bo]) await person.tile('w0').waitFor();
  await bo.page.evaluate(() => {
    // Both windows run on one clock: the moment of the paint after the title has changed.
    const seen = new Map<string, number>();
    Object.assign(window, { seen });
    new MutationObserver(() => {
      const title = document.querySelector('[data-tile="w0"] [role="group"]')?.getAttribute('aria-label') ?? '';
      if (seen.has(title)) return;
      seen.set(title, 0);
      requestAnimationFrame(() => setTimeout(() => seen.set(title, performance.timeOrigin + performance.now())));
    }).observe(document.body, { subtree: true, childList: true, characterData: true, attributes: true });
  });
  const paints: number[] = [];
  let components = 0;
  await rendersSince(bo.page);
  for (let i = 1; i <= count; i++) {
    const title = `w0 ${i}`;
    const heading = ana.page.locator('[data-tile="w0"]').getByRole('heading').first();
    await heading.dblclick({ position: { x: 8, y: 8 } });
    const field = ana.page.locator('[data-tile="w0"]').getByRole('textbox', { name: 'Title' });
    await field.fill(title);
    const at = await enter(ana.page);
    const painted = await bo.page.waitForFunction(
      (title) => (window as unknown as { seen: Map<string, number> }).seen.get(title),
      title,
      { polling: 5 },
    );
    paints.push(Number(await painted.jsonValue()) - at);
    components += (await rendersSince(bo.page)).components;
  }
  console.log(`${count} edits, from Enter in one window to the paint in the other: ${line(paints)} ms`);
  console.log(`React draws ${(components / count).toFixed(1)} components in the other window for each`);
  await ana.close();
  await bo.close();
}

/** Presses Enter; gives back when the page got it. */
async function enter(page: Page): Promise<number> {
  await page.evaluate(() => {
    const got = (event: KeyboardEvent) => {
      if (event.key === 'Enter') Object.assign(window, { entered: performance.timeOrigin + performance.now() });
    };
    window.addEventListener('keydown', got, { capture: true, once: true });
  });
  await page.keyboard.press('Enter');
  return page.evaluate(() => (window as unknown as { entered: number }).entered);
}

/** The heap of a page that shows live values, after a collection, once a minute. */
async function memory(browser: Browser, minutes: number): Promise<void> {
  const wall = await Person.open(browser, 'wall', `${server.url}/#/d/machine`);
  await wall.tile('Processors').waitFor();
  const cdp = await wall.context.newCDPSession(wall.page);
  console.log(`heap of the live dashboard of this machine, at the start: ${await heap(cdp)}`);
  for (let minute = 1; minute <= minutes; minute++) {
    await delay(60_000);
    console.log(`after ${minute} min: ${await heap(cdp)}`);
  }
  if (wall.errors.length > 0) throw new Error(wall.errors.join('\n'));
  await wall.close();
}

async function heap(cdp: CDPSession): Promise<string> {
  await cdp.send('HeapProfiler.enable');
  await cdp.send('HeapProfiler.collectGarbage');
  const { usedSize } = await cdp.send('Runtime.getHeapUsage');
  const { nodes, jsEventListeners } = await cdp.send('Memory.getDOMCounters');
  return `${(usedSize / (1 << 20)).toFixed(1)} MiB, ${nodes} nodes, ${jsEventListeners} listeners`;
}

function line(numbers: readonly number[]): string {
  const sorted = [...numbers].sort((a, b) => a - b);
  const at = (part: number) => (sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0).toFixed(0);
  return `p50 ${at(0.5)}, p99 ${at(0.99)}`;
}

function kib(bytes: number): string {
  return (bytes / 1024).toFixed(0);
}
