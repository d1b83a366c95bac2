import type { Move, Widget } from '@dashwire/client';
import type { Person } from './browser.ts';
import { moveTile, press, renameTile, resizeTile, seen, slide } from './grid.ts';
import { countFrames, countRenders, type Renders, rendersSince } from './renders.ts';
import { agree, expect, says, test } from './scene.ts';

const count = 1000;
const columns = 8;

const types = ['stat', 'timeseries', 'gauge', 'bargauge', 'table', 'text'];
const typeOf = (i: number) => types[i % types.length] ?? 'stat';

/** A thousand tiles of all kinds, three cells wide, in rows of eight. */
function thousand(): { widgets: Record<string, Widget>; places: Record<string, Move> } {
  const widgets: Record<string, Widget> = {};
  const places: Record<string, Move> = {};
  for (let i = 0; i < count; i++) {
    const id = `w${i}`;
    widgets[id] = { type: typeOf(i), title: `Tile ${i}`, config: { text: `**Note** ${i}` } };
    places[id] = { x: 3 * (i % columns), y: 5 * Math.floor(i / columns), w: 3, h: 5 };
  }
  return { widgets, places };
}

/**
 * The tiles of the window that were drawn. Those beyond its edge may be, as they come near or leave; a chart tells its words
 * anew every few seconds.
 */
function inWindow({ tiles }: Renders): readonly string[] {
  const drawn = Object.entries(tiles).filter(([id, times]) => {
    const number = Number(id.slice(1));
    return number < 5 * columns && (typeOf(number) !== 'timeseries' || number === 1 || times > 2);
  });
  return drawn.map(([id]) => id);
}

/** Waits until nothing is drawn any more but what the clock has drawn. */
async function quiet({ page }: Person): Promise<void> {
  const drawn = async () => (await rendersSince(page)).components;
  await expect.poll(drawn, { interval: 1500, timeout: 30_000 }).toBe(0);
}

test('a thousand tiles stay in hand: a drag draws the tile under it and no other', async ({ open, rest }) => {
  const { widgets, places } = thousand();
  await rest.create('large', widgets, places);
  for (let i = 0; i < 40; i++) await rest.value('large', `w${i}`, i % 6 === 1 ? [[Date.now(), i]] : { value: i });
  const ana = await open('ana', '#/d/large', { prepare: countRenders });
  const bo = await open('bo', '#/d/large', { prepare: countRenders });
  await agree(rest, 'large', ana, bo);

  // Only what is near the window has a body.
  await expect.poll(() => ana.page.locator('.tile-body:not(:empty)').count()).toBeLessThan(120);

  for (const person of [ana, bo]) await quiet(person);
  const held = await press(ana, 'Tile 1', 'move');
  await slide(ana.page, held, { x: 0.5, y: 0.2, steps: 3 });
  await rendersSince(ana.page);
  await rendersSince(bo.page);
  const stop = await countFrames(ana.page);
  await slide(ana.page, { ...held, x: held.x + 0.5 * held.column }, { x: 11, y: 8, steps: 60 });
  await slide(ana.page, { ...held, x: held.x + 11.5 * held.column }, { x: 3, y: 10, steps: 60 });
  const frames = [...(await stop())].sort((a, b) => a - b);
  const dragged = await rendersSince(ana.page);
  await ana.page.mouse.up();
  await says(ana, 'Saved');
  await agree(rest, 'large', ana, bo);
  const dropped = await rendersSince(ana.page);
  const watched = await rendersSince(bo.page);

  const mean = frames.reduce((sum, ms) => sum + ms, 0) / frames.length;
  const slow = frames[Math.floor(frames.length * 0.95)] ?? 0;
  console.log(
    `${count} tiles, a drag over ${frames.length} frames: ${(1000 / mean).toFixed(0)} frames a second, ` +
      `95 of 100 within ${slow.toFixed(0)} ms; ${dragged.commits} commits of ${dragged.components} components`,
  );
  expect(frames.length).toBeGreaterThan(10);
  expect(inWindow(dragged)).toEqual(['w1']);
  expect(inWindow(dropped)).toEqual(['w1']);
  expect(inWindow(watched)).toEqual(['w1']);
  expect((await rest.document('large')).layouts.main?.items.w1).toMatchObject({ w: 3, h: 5 });

  // A rename draws one tile here and there, a value its own tile alone.
  await renameTile(bo, 'Tile 3', 'Third');
  await ana.tile('Third').waitFor();
  expect(inWindow(await rendersSince(ana.page))).toEqual(['w3']);
  await says(bo, 'Saved');
  await rendersSince(bo.page);
  await rest.value('large', 'w0', { value: 471 });
  await expect.poll(() => bo.tile('Tile 0').textContent()).toContain('471');
  expect(inWindow(await rendersSince(bo.page))).toEqual(['w0']);

  // Far down too: the tiles that come near are drawn, and can be handled.
  await ana.tile('Tile 990').scrollIntoViewIfNeeded();
  await expect.poll(() => ana.tile('Tile 990').textContent()).not.toBe('Tile 990');
  await resizeTile(ana, 'Tile 990', { y: 3 });
  await expect.poll(async () => (await seen(bo)).tiles.w990).toMatchObject({ h: 8 });
  await moveTile(ana, 'Tile 991', { x: 3 });
  await says(ana, 'Saved');
  await agree(rest, 'large', ana, bo);
}, 120_000);
