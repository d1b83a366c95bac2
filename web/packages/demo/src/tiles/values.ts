import type { Json } from '@dashwire/client';
import { isObject, member, textOf } from './config.ts';

/** What the tiles read of a live value, whatever was sent: what is no number is not known. Nothing here throws. */

/** Points in columns, as charts take them. */
export interface Columns {
  /** ms since 1970, ascending. */
  readonly times: readonly number[];
  /** One for each series, as long as `times`. */
  readonly series: readonly (readonly (number | null)[])[];
}

export interface Reading {
  readonly value: number | null;
  /** A value that is no number: a word. */
  readonly word: string;
  readonly detail: string;
}

export interface Level {
  readonly label: string;
  readonly value: number | null;
}

export type Cell = string | number | boolean | null;

export interface Table {
  readonly columns: readonly string[];
  readonly rows: readonly (readonly Cell[])[];
}

const finite = (value: Json | undefined): number | null =>
  typeof value === 'number' && Number.isFinite(value) ? value : null;

/** ms since 1970: a number, or a date as text. */
function timeOf(value: Json | undefined): number | null {
  if (typeof value === 'string') {
    const at = Date.parse(value);
    return Number.isNaN(at) ? null : at;
  }
  // What the clocks of the world cannot show would freeze an axis.
  return typeof value === 'number' && Math.abs(value) <= 8.64e15 ? value : null;
}

/** `[time, n, n …]`, or an object with `time` (`t`) and a member for each key. */
function row(point: Json, keys: readonly string[]): readonly [number, readonly Json[]] | null {
  if (Array.isArray(point)) {
    const at = timeOf(point[0]);
    return at === null ? null : [at, point.slice(1)];
  }
  if (!isObject(point)) return null;
  const at = timeOf(member(point, 'time') ?? member(point, 't'));
  if (at === null) return null;
  const named = keys.map((key) => member(point, key) ?? null);
  return [at, named.some((v) => v !== null) ? named : [member(point, 'value') ?? member(point, 'v') ?? null]];
}

export const noColumns: Columns = { times: [], series: [] };

/** Points as columns, in the order of time; of several at one time the last one counts. At most `most` series. */
export function columnsOf(data: Json | undefined, keys: readonly string[] = [], most = 32): Columns {
  if (!Array.isArray(data) || data.length === 0) return noColumns;
  let points: (readonly [number, readonly Json[]])[] = [];
  let sorted = true;
  let width = 0;
  for (const point of data as readonly Json[]) {
    const one = row(point, keys);
    if (!one) continue;
    const last = points.at(-1);
    if (last && one[0] <= last[0]) sorted = false;
    points.push(one);
    width = Math.max(width, Math.min(most, one[1].length));
  }
  if (!sorted) points = [...new Map(points.map((p) => [p[0], p])).values()].sort((a, b) => a[0] - b[0]);
  return {
    times: points.map((p) => p[0]),
    series: Array.from({ length: width }, (_, i) => points.map((p) => finite(p[1][i]))),
  };
}

/** The usual distance of points in ms; 0 = not known. */
export function intervalOf(times: readonly number[]): number {
  const gaps: number[] = [];
  for (let i = Math.max(1, times.length - 60); i < times.length; i++) gaps.push((times[i] ?? 0) - (times[i - 1] ?? 0));
  gaps.sort((a, b) => a - b);
  return gaps[gaps.length >> 1] ?? 0;
}

/** Breaks the lines where nothing came for long: a point of nulls stands there. */
export function withGaps(columns: Columns): Columns {
  const { times, series } = columns;
  const most = Math.max(4 * intervalOf(times), 2500);
  const breaks: number[] = [];
  for (let i = 1; i < times.length; i++) if ((times[i] ?? 0) - (times[i - 1] ?? 0) > most) breaks.push(i);
  if (breaks.length === 0) return columns;
  const insert = <T>(list: readonly T[], what: (i: number) => T): T[] => {
    const out: T[] = [];
    let from = 0;
    for (const i of breaks) {
      for (let k = from; k < i; k++) out.push(list[k] as T);
      out.push(what(i));
      from = i;
    }
    for (let k = from; k < list.length; k++) out.push(list[k] as T);
    return out;
  };
  return {
    times: insert(times, (i) => ((times[i - 1] ?? 0) + (times[i] ?? 0)) / 2),
    series: series.map((one) => insert(one, () => null)),
  };
}

/** A number with a note: `{value, detail}`, a bare number or text, or the last of a list of points. */
export function readingOf(data: Json | undefined): Reading | null {
  if (data === undefined) return null;
  if (Array.isArray(data)) {
    const { times, series } = columnsOf(data, ['value']);
    if (times.length === 0) return data.length === 0 ? null : { value: null, word: '', detail: '' };
    return { value: series[0]?.findLast((v) => v !== null) ?? null, word: '', detail: '' };
  }
  const value = isObject(data) ? member(data, 'value') : data;
  return {
    value: finite(value),
    word: typeof value === 'number' ? '' : textOf(value),
    detail: textOf(member(data, 'detail')),
  };
}

/** Several numbers with names: `{values: [{label, value}]}` or the list alone (`name` does too), an object of numbers, or a reading. */
export function levelsOf(data: Json | undefined, labels: readonly string[] = []): readonly Level[] | null {
  if (data === undefined) return null;
  const values = member(data, 'values') ?? (Array.isArray(data) && isObject(data[0]) ? data : undefined);
  if (Array.isArray(values)) {
    return (values as readonly Json[]).slice(0, 100).map((one, i) => ({
      label: textOf(member(one, 'label')) || textOf(member(one, 'name')) || labels[i] || '',
      value: finite(isObject(one) ? member(one, 'value') : one),
    }));
  }
  if (isObject(data) && !Object.hasOwn(data, 'value')) {
    const named = Object.entries(data).filter(([, v]) => typeof v === 'number');
    return named.slice(0, 100).map(([label, v]) => ({ label, value: finite(v) }));
  }
  if (Array.isArray(data)) {
    const { series } = columnsOf(data);
    return series.map((one, i) => ({ label: labels[i] ?? '', value: one.at(-1) ?? null }));
  }
  const one = readingOf(data);
  return one && [{ label: labels[0] ?? '', value: one.value }];
}

const cell = (value: Json | undefined): Cell =>
  value === undefined || value === null || typeof value !== 'object' ? (value ?? null) : JSON.stringify(value);

/** `{columns, rows}`, or a list of objects, whose keys are the columns. null = nothing came. */
export function tableOf(data: Json | undefined): Table | null {
  if (data === undefined || data === null) return null;
  const rows = Array.isArray(data) ? data : member(data, 'rows');
  if (!Array.isArray(rows)) return { columns: [], rows: [] };
  const list = rows as readonly Json[];
  const given = member(data, 'columns');
  const named = Array.isArray(given)
    ? (given as readonly Json[]).map((c) => textOf(c) || textOf(member(c, 'label')) || textOf(member(c, 'key')))
    : [];
  const keys = Array.isArray(given)
    ? (given as readonly Json[]).map((c) => textOf(member(c, 'key')) || textOf(c))
    : [...new Set(list.slice(0, 100).flatMap((r) => (isObject(r) ? Object.keys(r) : [])))];
  const lines = list.map((r) =>
    Array.isArray(r) ? (r as readonly Json[]).map(cell) : isObject(r) ? keys.map((k) => cell(member(r, k))) : [cell(r)],
  );
  const width = Math.min(50, Math.max(named.length, ...lines.slice(0, 1000).map((l) => l.length), 0));
  return {
    columns: Array.from({ length: width }, (_, i) => named[i] ?? keys[i] ?? ''),
    rows: lines.map((l) => Array.from({ length: width }, (_, i) => l[i] ?? null)),
  };
}

const steps = 'KMGTPE';

/** What a cell sorts by: a number; a size or percentage written out (`1.4 GiB`, `12 %`) as one; else its text. */
export function sortKey(value: Cell): number | string | null {
  if (typeof value === 'number') return value;
  if (typeof value === 'boolean') return value ? 1 : 0;
  if (value === null || value === '') return null;
  const [, n, step, i] = /^([-−+]?\d+(?:\.\d+)?)\s?(?:%|([KMGTPEk])?(i)?B(?:\/s)?)$/.exec(value) ?? [];
  if (n === undefined) return value;
  return Number(n.replace('−', '-')) * (i ? 1024 : 1000) ** (step ? steps.indexOf(step.toUpperCase()) + 1 : 0);
}

/** Numbers before texts, nothing at the end, whichever the direction. */
export function compareCells(a: Cell, b: Cell, descending: boolean): number {
  const x = sortKey(a);
  const y = sortKey(b);
  if (x === null || y === null) return x === y ? 0 : x === null ? 1 : -1;
  const by =
    typeof x === 'number' && typeof y === 'number'
      ? x - y
      : typeof x === 'string' && typeof y === 'string'
        ? collator.compare(x, y)
        : typeof x === 'number'
          ? -1
          : 1;
  return descending ? -by : by;
}

const collator = new Intl.Collator('en', { numeric: true });

/** Whether all cells of a column that say something are numbers, so that it stands to the right. */
export function isNumeric(table: Table, column: number): boolean {
  const keys = table.rows.slice(0, 200).map((r) => sortKey(r[column] ?? null));
  return keys.some((k) => k !== null) && keys.every((k) => k === null || typeof k === 'number');
}

/** How many decimals a column of numbers is written with: as many as one of them needs, 3 at most. */
export function decimalsOf(table: Table, column: number): number {
  let most = 0;
  for (const r of table.rows.slice(0, 200)) {
    const value = r[column];
    if (typeof value !== 'number' || Number.isInteger(value)) continue;
    const text = String(Number(value.toFixed(3)));
    most = Math.max(most, text.split('.')[1]?.length ?? 0);
  }
  return most;
}
