import type { Json, Widget } from '@dashwire/client';
import type { Page } from 'playwright-core';
import { renameTile } from './grid.ts';
import { agree, expect, says, test, whole } from './scene.ts';

/** What would run in a page that made HTML or scripts of it: each sets `window.ran`. */
const run = 'window.ran=1';
const evil = [
  `<img src=x onerror="${run}">`,
  `<script>${run}</script>`,
  `<svg onload="${run}"><a xlink:href="javascript:${run}"><text>x</text></a></svg>`,
  `"><iframe srcdoc="<script>parent.ran=1</script>">`,
  `{{constructor.constructor("${run}")()}}`,
];
const markdown = [
  `# Note ${evil[0]}`,
  `[click](javascript:${run})`,
  `[click](JaVaScRiPt:${run} "title")`,
  `[click](java&#115;cript:${run})`,
  `[click](data:text/html,<script>${run}</script>)`,
  `![picture](javascript:${run})`,
  `<a href="javascript:${run}" onclick="${run}">click</a>`,
  ...evil,
  '[fine](https://example.com/ok)',
].join('\n\n');

const ran = (page: Page) => page.evaluate(() => 'ran' in window);

test('text of others is shown as text: in titles, notes, names, values and presence', async ({ open, rest }) => {
  const [image = '', script = '', svg = '', frame = '', template = ''] = evil;
  await rest.create(
    'evil',
    {
      a: { type: 'stat', title: image, config: { unit: script, description: svg } },
      b: { type: 'text', title: script, config: { text: markdown } },
      c: { type: 'text', title: svg, config: { text: markdown, mode: 'html' } },
      d: { type: 'table', title: frame, config: {} },
      e: { type: image, title: template, config: { text: script } },
      f: { type: 'timeseries', title: 'Lines', config: { series: evil.map((label) => ({ key: label, label })) } },
      g: { type: 'bargauge', title: 'Bars', config: {} },
      h: { type: 'row', title: `Row ${image}`, config: { description: script } },
    },
    { h: { x: 0, y: 200, w: 24, h: 1 } },
    { title: image, description: script },
  );
  const eve = await open('eve', '#/d/evil');
  const ana = await open('ana', '#/d/evil');
  await agree(rest, 'evil', ana, eve);

  // Values.
  await rest.value('evil', 'a', { value: image, detail: script });
  await rest.value('evil', 'd', {
    columns: [image, script],
    rows: [
      [svg, frame],
      [template, image],
    ],
  });
  await rest.value('evil', 'g', { values: evil.map((label, i) => ({ label, value: i })) });
  await rest.value('evil', 'f', [[Date.now(), ...evil.map((_, i) => i)]], 'append');
  await expect.poll(() => ana.tile(image).textContent()).toContain(script);
  await expect.poll(() => ana.tile(frame).textContent()).toContain(template);
  await expect.poll(() => ana.tile('Bars').textContent()).toContain(svg);
  await expect.poll(() => ana.tile('Lines').textContent()).toContain(frame);

  // A name, and what one says of oneself.
  const session = await ana.page.evaluate(
    ({ image, script }) =>
      new Promise<void>((resolve, reject) => {
        const socket = new WebSocket(`ws://${window.location.host}/api/realtime?userId=mallory`);
        const send = (id: string, type: string, payload: object) => socket.send(JSON.stringify({ type, id, payload }));
        socket.onopen = () => {
          send('1', 'CONNECT', { clientId: 'mallory' });
          send('2', 'SYNC_REQUEST', { dashboardId: 'evil' });
          send('3', 'PRESENCE', {
            dashboardId: 'evil',
            state: {
              name: image,
              color: `red;}</style>${script}`,
              widgetId: 'a',
              mode: 'drag',
              rect: { x: -5, y: 1e9, w: 1e9, h: -1 },
            },
          });
          send('4', 'PING', {});
        };
        socket.onmessage = ({ data }) => {
          if (JSON.parse(data).type === 'PONG') resolve();
        };
        socket.onerror = () => reject(new Error('it does not open'));
      }),
    { image, script },
  );
  expect(session).toBeUndefined();
  await eve.page.getByRole('list', { name: 'Others here' }).getByRole('button', { name: image }).waitFor();
  await expect.poll(() => eve.page.locator('.ghost').textContent()).toBe(image);

  // Links lead nowhere but to what is safe, and pressing them runs nothing.
  const notes = ana.page.locator('[data-tile="b"]');
  expect(await notes.getByRole('link').evaluateAll((links) => links.map((link) => link.getAttribute('href')))).toEqual([
    'https://example.com/ok',
  ]);
  for (const link of await notes.getByText('click', { exact: true }).all()) await link.click();

  // What one types oneself, and a dashboard's name.
  await renameTile(ana, 'Bars', `${image}${script}`);
  await eve.tile(`${image}${script}`).waitFor();
  expect(await ana.page.title()).toBe(`${image} · Dashwire`);

  // The sheets that show it all again.
  await ana.tile(image).hover();
  await ana.button(`Settings of ${image}`).click();
  await ana.page.getByRole('textbox', { name: 'Title' }).waitFor();
  await ana.button('Close').click();
  await ana.button('History').click();
  const history = ana.page.getByRole('complementary', { name: 'History' });
  await history.getByRole('button', { name: script }).first().click();
  await history.getByRole('listitem').getByRole('button').last().click();
  const past = ana.page.getByRole('main', { name: 'Version 1, to look at' });
  await past.getByRole('group', { name: image }).first().waitFor();
  expect(await ana.page.locator('#app :is(img, iframe, script)').count()).toBe(0);
  await ana.page.goto(`${new URL(ana.page.url()).origin}/?userId=ana#/`);
  await ana.page.getByRole('link', { name: image }).waitFor();

  for (const { page } of [ana, eve]) {
    expect(await ran(page)).toBe(false);
    expect(
      await page
        .locator('#app :is(img, iframe, script, [onerror], [onload], [onclick], [href^="javascript:" i])')
        .count(),
    ).toBe(0);
  }
});

test('a conflict, a pending change and a toast show such text as text too', async ({ open, rest }) => {
  const [image = '', script = ''] = evil;
  await rest.create(
    'evil-sheets',
    { a: { type: 'text', title: 'A', config: {} } },
    {},
    { title: 'x', conflictPolicy: 'ask' },
  );
  const ana = await open('ana', '#/d/evil-sheets');
  await says(ana, 'Saved');
  await whole(ana);
  await ana.context.setOffline(true);
  await renameTile(ana, 'A', image);
  await ana.button(/^1 change not saved yet/).click();
  await ana.page.getByText(`Rename A to ${image}`).waitFor();
  await rest.patchWidget('evil-sheets', 'a', { title: script });
  await ana.page.keyboard.press('Escape');
  await ana.context.setOffline(false);
  await says(ana, 'Needs your decision (1)');
  await ana.counter.click();
  const dialog = ana.page.getByRole('dialog');
  await expect.poll(() => dialog.getByRole('group', { name: 'title' }).textContent()).toContain(script);
  await dialog.getByRole('button', { name: 'All mine' }).click();
  await ana.tile(image).hover();
  await ana.button(`Delete ${image}`).click();
  await ana.page.getByText(`Deleted ${image}.`).waitFor();
  expect(await ran(ana.page)).toBe(false);
  expect(await ana.page.locator('#app :is(img, iframe, script)').count()).toBe(0);
});

/** Anything that somebody could store where a config is meant. */
const nonsense: readonly Json[] = [
  null,
  7,
  'text',
  [],
  [[]],
  { unit: [], decimals: -3, min: 'a', max: {}, thresholds: 'x', series: 5, text: 7, mode: 'nothing' },
  { unit: 'percent', decimals: 99, min: 10, max: -10, thresholds: [null, { value: 'x' }], series: [null, {}, 7] },
  {
    thresholds: Array.from({ length: 500 }, (_, i) => ({ value: i, status: 'danger' })),
    series: [{ key: 'toString' }],
  },
];
const types = ['timeseries', 'stat', 'gauge', 'bargauge', 'table', 'text', 'row', 'unheard-of', '', 'constructor'];
const values: readonly Json[] = [
  null,
  'nonsense',
  { value: 'NaN' },
  [[]],
  [['x', 'y'], [1e300, -1e300], [null]],
  { columns: 7, rows: 'x' },
  { columns: ['a'], rows: [[{ deep: [1] }, 2, 3], 'x', null] },
  { values: [{ label: {}, value: [] }, 7] },
  -1e308,
];

test('a widget with a broken config or a value that is none says so, and harms nobody else', async ({ open, rest }) => {
  const widgets: Record<string, Widget> = {};
  for (const [i, config] of nonsense.entries()) {
    for (const type of types) widgets[`${type || 'none'}-${i}`] = { type, title: `${type} ${i}`, config };
  }
  widgets['no-title'] = { type: 'stat' };
  widgets.empty = {};
  widgets.numbers = { type: 7, title: 7, config: 7 };
  widgets.fine = { type: 'stat', title: 'Fine', config: { unit: 'percent' } };
  await rest.create('broken', widgets, { fine: { x: 0, y: 0, w: 6, h: 5 } });
  const ana = await open('ana', '#/d/broken', { height: 16_000 });
  await ana.tile('Fine').waitFor();
  await rest.value('broken', 'fine', { value: 42 });
  const ids = Object.keys(widgets).filter((id) => id !== 'fine');
  for (const [i, id] of ids.entries()) await rest.value('broken', id, values[i % values.length] ?? null);
  await expect.poll(() => ana.tile('Fine').getByRole('status').textContent()).toBe('42%');
  await expect.poll(() => ana.page.locator('[data-tile]').count()).toBe(ids.length + 1);

  const text = (id: string) => ana.page.locator(`[data-tile="${id}"]`).textContent();
  await expect.poll(() => text('stat-0')).not.toBe('');
  expect(await text('stat-1')).toContain('config is 7, not an object');
  expect(await text('gauge-6')).toContain('min, 10, is not below max, -10');
  expect(await text('unheard-of-1')).toContain('are not drawn here');
  expect(await text('numbers')).toContain('title is 7, not a text');
  expect(await ana.page.getByText('This tile cannot be drawn.').count()).toBe(0);

  // Still in use: the broken one is mended in its settings.
  await ana.tile('stat 1').hover();
  await ana.button('Settings of stat 1').click();
  await ana.button('Start with an empty config').click();
  await expect.poll(() => text('stat-1')).not.toContain('config is 7');
  await says(ana, 'Saved');
});
