import type { Json, Widget, WidgetData } from '@dashwire/client';
import { AlignLeft, ChartBarBig, ChartLine, CircleGauge, Hash, Heading, PackageOpen, Table2 } from 'lucide-react';
import { BarGauge } from './bargauge.tsx';
import { type Kind, now } from './drawing.ts';
import { Gauge } from './gauge.tsx';
import { Kept } from './kept.tsx';
import { Stat } from './stat.tsx';
import { Table } from './table.tsx';
import { Section, Text } from './text.tsx';
import { TimeSeries } from './timeseries.tsx';

const points = (now: number, count: number, ...lines: ((t: number) => number)[]): WidgetData => {
  const second = Math.floor(now / 1000);
  const data: Json = Array.from({ length: count }, (_, i) => {
    const t = second - count + 1 + i;
    return [t * 1000, ...lines.map((line) => Math.round(line(t) * 10) / 10)];
  });
  return { mode: 'append', window: count, data };
};

/** Smooth, without a visible period, from −1 to 1; equal for equal seconds, so that a preview scrolls. */
const wave = (t: number, seed: number): number =>
  (Math.sin(t / 7 + seed) + Math.sin(t / 13.7 + seed * 2.3) * 0.7 + Math.sin(t / 3.1 + seed * 5.1) * 0.35) / 2.05;

const busy = (t: number, seed: number): number => 46 + 34 * wave(t, seed);

const create = (type: string, title: string, config: Widget) => (): Widget => ({ type, title, config });

/** The kinds that are drawn, in the order of the gallery. */
export const kinds: readonly Kind[] = [
  {
    type: 'timeseries',
    name: 'Time series',
    description: 'How values go over time, a line for each.',
    icon: ChartLine,
    defaultSize: { w: 9, h: 8 },
    create: create('timeseries', 'Time series', { unit: 'short', min: 0, series: [{ key: 'value', label: 'value' }] }),
    Drawing: TimeSeries,
    example: { data: [[now, 42]], mode: 'append', window: 900 },
    sample: (now) =>
      points(
        now,
        70,
        (t) => busy(t, 1),
        (t) => busy(t, 4) * 0.6,
      ),
    skeleton: 'lines',
  },
  {
    type: 'stat',
    name: 'Number',
    description: 'The newest value, as large as it fits.',
    icon: Hash,
    defaultSize: { w: 4, h: 4 },
    create: create('stat', 'Number', { unit: 'short' }),
    Drawing: Stat,
    example: { data: { value: 42, detail: 'of 100' } },
    sample: (now) => points(now, 60, (t) => 1240 + 180 * wave(t, 2)),
    skeleton: 'number',
  },
  {
    type: 'gauge',
    name: 'Gauge',
    description: 'A value on its scale, with its limits.',
    icon: CircleGauge,
    defaultSize: { w: 5, h: 7 },
    create: create('gauge', 'Gauge', {
      unit: 'percent',
      min: 0,
      max: 100,
      decimals: 1,
      thresholds: [
        { value: 80, status: 'attention' },
        { value: 95, status: 'danger' },
      ],
    }),
    Drawing: Gauge,
    example: { data: { value: 71.2, detail: '6.8 GiB of 9.6 GiB' } },
    sample: (now) => ({
      mode: 'replace',
      data: { value: 58 + 10 * wave(now / 1000, 3), detail: '5.6 GiB of 9.6 GiB' },
    }),
    skeleton: 'arc',
  },
  {
    type: 'bargauge',
    name: 'Bars',
    description: 'Several values side by side, on one scale.',
    icon: ChartBarBig,
    defaultSize: { w: 6, h: 6 },
    create: create('bargauge', 'Bars', { unit: 'percent', min: 0, max: 100 }),
    Drawing: BarGauge,
    example: {
      data: {
        values: [
          { label: 'north', value: 71.2 },
          { label: 'south', value: 34 },
        ],
      },
    },
    sample: (now) => ({
      mode: 'replace',
      data: { values: ['north', 'east', 'south'].map((label, i) => ({ label, value: busy(now / 1000, i * 2.1) })) },
    }),
    skeleton: 'bars',
  },
  {
    type: 'table',
    name: 'Table',
    description: 'Rows and columns, sorted as one likes.',
    icon: Table2,
    defaultSize: { w: 8, h: 8 },
    create: create('table', 'Table', {}),
    Drawing: Table,
    example: {
      data: {
        columns: ['Service', 'Requests / s'],
        rows: [
          ['checkout', 182],
          ['search', 940],
        ],
      },
    },
    sample: (now) => ({
      mode: 'replace',
      data: {
        columns: ['Service', 'Req / s', 'Memory'],
        rows: [
          ['search', Math.round(940 + 60 * wave(now / 1000, 1)), '1.2 GiB'],
          ['checkout', Math.round(182 + 20 * wave(now / 1000, 2)), '640 MiB'],
          ['mail', Math.round(12 + 4 * wave(now / 1000, 3)), '96 MiB'],
        ],
      },
    }),
    skeleton: 'rows',
  },
  {
    type: 'text',
    name: 'Text',
    description: 'A note in Markdown: what this is, whom to ask.',
    icon: AlignLeft,
    defaultSize: { w: 6, h: 6 },
    create: create('text', 'Note', { text: '**What is this?**\n\nOpen the settings to write here.' }),
    Drawing: Text,
    example: null,
    skeleton: 'none',
  },
  {
    type: 'row',
    name: 'Section',
    description: 'A heading over the tiles below it.',
    icon: Heading,
    defaultSize: { w: 24, h: 1 },
    create: create('row', 'Section', {}),
    Drawing: Section,
    example: null,
    skeleton: 'none',
  },
];

/** What stands for all types that are not drawn. */
const kept: Kind = {
  type: '',
  name: 'Kept',
  description: 'Not drawn here; nothing in it is lost.',
  icon: PackageOpen,
  defaultSize: { w: 8, h: 6 },
  create: create('', 'Tile', {}),
  Drawing: Kept,
  example: null,
  skeleton: 'none',
};

const byType = new Map(kinds.map((kind) => [kind.type, kind]));

/** The kind of a widget by its `type`, which may be anything. */
export function kindOf(type: unknown): Kind {
  return (typeof type === 'string' && byType.get(type)) || kept;
}
