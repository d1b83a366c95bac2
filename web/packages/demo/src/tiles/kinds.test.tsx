import type { Json, Widget, WidgetData } from '@dashwire/client';
import fc from 'fast-check';
import { renderToStaticMarkup } from 'react-dom/server';
import { describe, expect, test } from 'vitest';
import type { TimeRange } from '../tile.ts';
import { configOf, parse } from './config.ts';
import { command } from './empty.tsx';
import { tileKind, tileKinds } from './index.ts';
import { kindOf, kinds } from './kinds.ts';
import { queriesOf } from './queries.ts';

const range = { ms: 60_000, end: () => 0, frozen: true };

function draw(widget: Widget, value: WidgetData | undefined, shown: TimeRange = range): string {
  const { Drawing } = kindOf(widget.type);
  const config = configOf(widget);
  return renderToStaticMarkup(
    <Drawing
      widgetId="w"
      widget={widget}
      config={config}
      value={value}
      range={shown}
      kiosk={false}
      readOnly
      sync={null}
    />,
  );
}

describe('the registry', () => {
  test('has every type that the server draws, each with all that the grid and the gallery need', () => {
    expect(tileKinds.map((k) => k.type)).toEqual(['timeseries', 'stat', 'gauge', 'bargauge', 'table', 'text', 'row']);
    for (const kind of tileKinds) {
      expect(tileKind(kind.type)).toBe(kind);
      const made = kind.create();
      expect(made.type).toBe(kind.type);
      expect(parse(made).problems).toEqual([]);
      expect(kind.defaultSize.w).toBeLessThanOrEqual(24);
    }
  });

  test.each<[unknown]>([[undefined], [null], ['heatmap'], [''], [['stat']], [{}], ['__proto__'], ['constructor'], [7]])(
    'has one kind for all others: %j',
    (type) => {
      expect(tileKind(type).name).toBe('Kept');
      expect(tileKind(type)).toBe(tileKind('no such type'));
    },
  );
});

describe('every kind', () => {
  const json = fc.jsonValue({ maxDepth: 3 }) as fc.Arbitrary<Json>;
  const config = fc.dictionary(fc.constantFrom('unit', 'min', 'max', 'thresholds', 'series', 'text', 'grafana'), json);
  const widget = fc.record({ title: json, config: fc.oneof(json, config) });
  const value = fc.option(
    fc.oneof(
      json,
      fc.array(fc.tuple(fc.nat(), json)),
      fc.record({ value: json, detail: json }),
      fc.record({ values: json }),
      fc.record({ columns: json, rows: json }),
    ),
    { nil: undefined },
  );
  test.each([...kinds.map((k) => k.type), 'heatmap', ''])('%s draws any JSON without an error', (type) => {
    fc.assert(
      fc.property(widget, value, (rest, data) => {
        const sent = data === undefined ? undefined : ({ mode: 'replace', data } as WidgetData);
        expect(draw({ type, ...rest } as Widget, sent)).not.toMatch(/NaN|\[object Object\]/);
      }),
      { numRuns: 150 },
    );
  });

  test.each(kinds.filter((k) => k.sample).map((k) => [k.type, k] as const))('%s draws its example', (_, kind) => {
    const html = draw(kind.create(), kind.sample?.(1_795_400_000_000));
    expect(html.length).toBeGreaterThan(200);
    expect(html).toMatch(/\d/);
  });
});

test('a chart says why it is empty when all points are older than what it shows', () => {
  const live = { ms: 60_000, end: () => 1_000_000, frozen: false };
  const points = (at: number): WidgetData => ({ mode: 'append', data: [[at, 1]] });
  const chart: Widget = { type: 'timeseries', title: 'Load' };
  expect(draw(chart, points(820_000), live)).toContain('Nothing in the last minute. The newest value came 3 min ago.');
  expect(draw(chart, points(820_000), { ...live, ms: 300_000 })).not.toContain('Nothing in');
  expect(draw(chart, points(820_000), { ...live, frozen: true })).not.toContain('Nothing in');
});

test('a status has a shape and a word, not only a colour', () => {
  const widget = {
    type: 'gauge',
    title: 'RAM',
    config: { unit: 'percent', thresholds: [{ value: 90, status: 'danger' }] },
  };
  const html = draw(widget, { mode: 'replace', data: { value: 97 } });
  expect(html).toContain('danger');
  expect(html).toContain('aria-valuetext="97 %, danger"');
  expect(draw(widget, { mode: 'replace', data: { value: 12 } })).not.toContain('kind-status');
});

describe('a type that is not drawn', () => {
  const widget: Widget = {
    type: 'heatmap',
    title: 'Latency',
    config: {
      grafana: {
        datasource: { type: 'prometheus', uid: 'x' },
        targets: [
          { refId: 'A', expr: 'rate(x[5m])' },
          { refId: 'A', rawSql: 'select 1' },
          null,
          { refId: 'C', odd: 1 },
        ],
      },
    },
  };
  test('shows its type, its source and its queries', () => {
    const html = draw(widget, undefined);
    for (const part of ['heatmap', 'prometheus', 'rate(x[5m])', 'select 1', 'kept']) expect(html).toContain(part);
  });
  test('its queries have names of their own', () => {
    expect(queriesOf(widget)).toEqual([
      { name: 'A', text: 'rate(x[5m])' },
      { name: 'A′', text: 'select 1' },
      { name: 'C', text: '{"odd":1}' },
    ]);
  });
  test('one without queries shows all it holds', () => {
    expect(draw({ type: 'mine', secret: [1, 2] }, undefined)).toContain('secret');
  });
});

test('text of others never becomes HTML, in no kind', () => {
  const bad = '<img src=x onerror=alert(1)>';
  const data: Json = { value: bad, detail: bad, values: [{ label: bad, value: 1 }], columns: [bad], rows: [[bad]] };
  for (const type of [...kinds.map((k) => k.type), bad]) {
    const config = { text: bad, mode: 'html', unit: bad, description: bad, series: [{ key: 'a', label: bad }] };
    expect(draw({ type, title: bad, config }, { mode: 'replace', data })).not.toContain('<img');
  }
});

test('the command for a terminal quotes what it holds', () => {
  const text = command('http://h', "it's", 'a b', { data: { value: "x'y" } });
  expect(text).toContain('/api/dashboards/it%27s/widgets/a%20b/data');
  expect(text).toContain(`'{"data":{"value":"x'\\''y"}}'`);
});
