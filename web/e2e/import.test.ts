import type { Json, JsonObject } from '@dashwire/client';
import type { Person } from './browser.ts';
import { moveTile, renameTile } from './grid.ts';
import { agree, expect, says, test } from './scene.ts';

type Panel = JsonObject & { readonly id: number; readonly type: string; readonly title: string };

const drawn = ['timeseries', 'stat', 'gauge', 'bargauge', 'table', 'text', 'graph', 'singlestat'];
const kept = ['heatmap', 'logs', 'piechart', 'nodeGraph', 'state-timeline', 'news', 'dashlist', 'grafana-clock-panel'];

/** A dashboard as Grafana exports it: folded and open rows, panels of old and new kinds, variables, queries, thresholds. */
function grafana(rows: number, panelsInRow: number): JsonObject {
  const types = [...drawn, ...kept];
  const panels: Json[] = [];
  let id = 1;
  let y = 0;
  for (let r = 0; r < rows; r++) {
    const folded = r % 3 === 2;
    const inside: Panel[] = [];
    const row = { id: id++, type: 'row', title: `Row ${r}`, collapsed: folded, gridPos: { x: 0, y: y++, w: 24, h: 1 } };
    for (let i = 0; i < panelsInRow; i++) {
      const type = types[(r * panelsInRow + i) % types.length] ?? 'stat';
      inside.push({
        id: id++,
        type,
        title: `${type} ${r}.${i}`,
        description: `About \`${type}\``,
        gridPos: { x: 6 * (i % 4), y: y + 8 * Math.floor(i / 4), w: 6, h: 8 },
        datasource: { type: 'prometheus', uid: '$DS_PROMETHEUS' },
        targets: [
          { refId: 'A', expr: `sum(rate(http_requests_total{job="$job",i="${i}"}[5m]))`, legendFormat: '{{code}}' },
        ],
        fieldConfig: {
          defaults: {
            unit: 'reqps',
            decimals: 1,
            min: 0,
            thresholds: {
              mode: 'absolute',
              steps: [
                { color: 'green', value: null },
                { color: 'red', value: 80 + i },
              ],
            },
          },
          overrides: [
            { matcher: { id: 'byName', options: 'x' }, properties: [{ id: 'color', value: { fixedColor: 'blue' } }] },
          ],
        },
        options: type === 'text' ? { mode: 'markdown', content: `# Text ${i}` } : { legend: { showLegend: true } },
      });
    }
    panels.push(folded ? { ...row, panels: inside } : { ...row, panels: [] });
    if (!folded) {
      panels.push(...inside);
      y += 8 * Math.ceil(panelsInRow / 4);
    }
  }
  return {
    id: 12,
    uid: 'big-one',
    title: 'Big one',
    tags: ['prod', 'web'],
    schemaVersion: 39,
    timezone: 'utc',
    refresh: '10s',
    time: { from: 'now-6h', to: 'now' },
    annotations: {
      list: [{ builtIn: 1, datasource: '-- Grafana --', name: 'Annotations & Alerts', type: 'dashboard' }],
    },
    templating: {
      list: [{ name: 'job', type: 'query', query: 'label_values(up, job)', multi: true, includeAll: true }],
    },
    links: [{ title: 'Docs', url: 'https://example.com', type: 'link' }],
    panels,
  };
}

/** All panels of a dashboard of Grafana's, those in folded rows too, by id. */
function panelsOf(dashboard: JsonObject): Map<number, Panel> {
  const all = (dashboard.panels as readonly (Panel & { readonly panels?: readonly Panel[] })[]).flatMap(
    ({ panels = [], ...panel }) => [panel as Panel, ...panels],
  );
  return new Map(all.map((panel) => [panel.id, panel]));
}

/** Drops a file on the page, as from a folder of the desktop. */
async function drop({ page }: Person, name: string, text: string): Promise<void> {
  const transfer = await page.evaluateHandle(
    ({ name, text }) => {
      const transfer = new DataTransfer();
      transfer.items.add(new File([text], name, { type: 'application/json' }));
      return transfer;
    },
    { name, text },
  );
  // A file is over the page until it is let go, and the page answers once it can.
  const hint = page.getByText('Drop to import');
  const over = async () => {
    for (const type of ['dragenter', 'dragover']) await page.dispatchEvent('main', type, { dataTransfer: transfer });
    return hint.count();
  };
  await expect.poll(over).toBe(1);
  await page.dispatchEvent('main', 'drop', { dataTransfer: transfer });
}

test('a big dashboard of Grafana’s is dropped on the page, shown honestly, edited, and given back whole', async ({
  open,
  rest,
}) => {
  await rest.create('before', {});
  const ana = await open('ana', '#/d/before');
  await says(ana, 'Saved');
  const source = grafana(12, 16);
  const panels = panelsOf(source);
  await drop(ana, 'big-one.json', JSON.stringify(source));

  const dialog = ana.page.getByRole('dialog', { name: 'Imported 1 dashboard' });
  await dialog.getByRole('heading', { name: 'Big one' }).waitFor();
  expect(await dialog.textContent()).toMatch(
    /\d+ tiles drawn\. \d+ are only kept: shown as a frame, and whole again in an export\./,
  );
  await dialog.getByRole('link', { name: 'Open' }).click();
  await ana.tile('Row 0').waitFor();
  const id = new URL(ana.page.url()).hash.replace('#/d/', '');
  const bo = await open('bo', `#/d/${id}`);
  await agree(rest, id, ana, bo);
  const { widgets } = await rest.document(id);
  expect(Object.keys(widgets).length).toBeGreaterThanOrEqual(panels.size - 4 * 16);

  // A panel that is not drawn says so, with what it asks.
  const heatmap = ana.tile('heatmap 0.8');
  await heatmap.scrollIntoViewIfNeeded();
  await expect.poll(() => heatmap.textContent()).toContain('are not drawn here');
  expect(await heatmap.textContent()).toContain('Everything in it is kept');
  expect(await heatmap.textContent()).toContain('sum(rate(http_requests_total');
  const text = ana.tile('text 0.5');
  await expect.poll(() => text.getByRole('heading', { name: 'Text 5' }).count()).toBe(1);

  // Edited: a drawn one and a kept one are renamed, one is moved.
  await renameTile(ana, 'heatmap 0.8', 'Latencies');
  await renameTile(bo, 'stat 0.1', 'Requests');
  await moveTile(bo, 'Requests', { x: 6, y: 0 });
  for (const person of [ana, bo]) await says(person, 'Saved');
  await agree(rest, id, ana, bo);

  // The export has each panel as it was, but for what was edited.
  const exported: JsonObject = JSON.parse(await ana.fileOf('Export for Grafana'));
  const back = panelsOf(exported);
  expect([...back.keys()].sort()).toEqual([...panels.keys()].sort());
  for (const [key, panel] of panels) {
    const title = { 'heatmap 0.8': 'Latencies', 'stat 0.1': 'Requests' }[panel.title] ?? panel.title;
    const { gridPos: _, ...rest } = panel;
    expect(back.get(key), `panel ${key}`).toMatchObject({ ...rest, title });
  }
  const { panels: _, version: __, id: ___, ...around } = source;
  expect(exported).toMatchObject(around);
});

test('files that are no dashboards are refused in words, one by one', async ({ open, rest }) => {
  await rest.create('refusing', {});
  const ana = await open('ana', '#/d/refusing');
  await says(ana, 'Saved');
  for (const [text, words] of [
    ['', 'The file is empty.'],
    ['{"a": ', 'This is no JSON file.'],
    ['[1, 2]', 'This is JSON, but no dashboard'],
    ['{"panels": 7}', /./],
  ] as const) {
    await drop(ana, 'file.json', text);
    const dialog = ana.page.getByRole('dialog', { name: 'Nothing was imported' });
    await dialog.waitFor();
    if (typeof words === 'string') expect(await dialog.textContent()).toContain(words);
    await dialog.getByRole('button', { name: 'Close' }).click();
    await dialog.waitFor({ state: 'detached' });
  }
  const file = { format: 'dashwire.dashboard' };
  await drop(ana, 'half.json', JSON.stringify(file));
  await ana.page.getByRole('dialog', { name: 'Nothing was imported' }).waitFor();
});

test('an export is dropped back, as a copy or in the place of the one that is there', async ({ open, rest }) => {
  await rest.create('round', { cpu: { type: 'stat', title: 'CPU', config: {} } }, {}, { title: 'Round trip' });
  const ana = await open('ana', '#/d/round');
  await says(ana, 'Saved');
  const text = JSON.stringify(await rest.exported('round', 'dashwire'));
  await renameTile(ana, 'CPU', 'Changed');
  await says(ana, 'Saved');

  await drop(ana, 'round.json', text);
  const dialog = ana.page.getByRole('dialog', { name: 'One file needs your decision' });
  await dialog.getByRole('button', { name: 'Replace it' }).click();
  const done = ana.page.getByRole('dialog', { name: 'Imported 1 dashboard' });
  await done.getByRole('link', { name: 'Open' }).click();
  await ana.tile('CPU').waitFor();
  await agree(rest, 'round', ana);

  await drop(ana, 'round.json', text);
  await dialog.getByRole('button', { name: 'Make a copy' }).click();
  await done.getByRole('link', { name: 'Open' }).click();
  await expect.poll(() => new URL(ana.page.url()).hash).toMatch(/^#\/d\/round-copy-/);
  await ana.tile('CPU').waitFor();
  expect(ana.loads).toBe(1);
});
