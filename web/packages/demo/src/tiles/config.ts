import { isLocked, type Json, type JsonObject, type Locked, type Widget } from '@dashwire/client';
import type { Style } from './format.ts';

/**
 * What the tiles read of a widget, whatever stands there: anybody may store any JSON. What cannot be used is left out and
 * named in `problems`; nothing here throws.
 */

export type Status = 'ok' | 'busy' | 'attention' | 'danger';

/** From `value` on the status holds; −∞ for one that holds below all others. */
export interface Threshold {
  readonly value: number;
  readonly status: Status;
}

export interface Series {
  readonly key: string;
  readonly label: string;
}

export interface Config extends Style {
  readonly title: string;
  readonly description: string;
  readonly min: number | undefined;
  readonly max: number | undefined;
  /** Ascending. */
  readonly thresholds: readonly Threshold[];
  readonly series: readonly Series[];
  readonly text: string;
  readonly mode: 'markdown' | 'text' | 'html';
  /** What only those read who know the words; `''` = nothing. */
  readonly secret: string | Locked;
  /** The column that a table is sorted by, by its name. */
  readonly sort: string;
  readonly descending: boolean;
  /** What is wrong with it, for people. */
  readonly problems: readonly string[];
}

export const maxSeries = 32;

export function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A member of an object that may be anything. Never one that the object merely inherits. */
export function member(of: Json | undefined, ...path: readonly string[]): Json | undefined {
  let at = of;
  for (const key of path) {
    if (!isObject(at) || !Object.hasOwn(at, key)) return undefined;
    at = at[key];
  }
  return at;
}

/** The text that stands for a scalar; `''` for all else. */
export function textOf(value: Json | undefined): string {
  if (typeof value === 'string') return value;
  return typeof value === 'number' || typeof value === 'boolean' ? String(value) : '';
}

function number(value: Json | undefined): number | undefined {
  return typeof value === 'number' && Number.isFinite(value) ? value : undefined;
}

/** By widget: unchanged widgets keep their identity, so each is read once. */
const read = new WeakMap<Widget, Config>();

export function configOf(widget: Widget): Config {
  if (!isObject(widget)) return parse({});
  let config = read.get(widget);
  if (!config) {
    config = parse(widget);
    read.set(widget, config);
  }
  return config;
}

export function parse(widget: Widget): Config {
  const problems: string[] = [];
  const config = member(widget, 'config');
  const title = member(widget, 'title');
  if (title !== undefined && title !== null && typeof title !== 'string')
    problems.push(`title is ${nameOf(title)}, not a text`);
  if (config !== undefined && !isObject(config)) problems.push(`config is ${nameOf(config)}, not an object`);

  const field = <T>(name: string, want: string, take: (value: Json) => T | undefined): T | undefined => {
    const value = member(config, name);
    if (value === undefined || value === null) return undefined;
    const taken = take(value);
    if (taken === undefined) problems.push(`${name} is ${nameOf(value)}, not ${want}`);
    return taken;
  };
  const text = (name: string) => field(name, 'a text', (v) => (typeof v === 'string' ? v : undefined)) ?? '';

  let min = field('min', 'a number', number);
  let max = field('max', 'a number', number);
  if (min !== undefined && max !== undefined && min >= max) {
    problems.push(`min, ${min}, is not below max, ${max}`);
    min = undefined;
    max = undefined;
  }
  const unit = text('unit');
  return {
    title: textOf(title),
    description: text('description'),
    unit: unit === '' ? undefined : unit,
    decimals: field('decimals', 'a whole number from 0 to 9', (v) =>
      typeof v === 'number' && Number.isInteger(v) && v >= 0 && v <= 9 ? v : undefined,
    ),
    min,
    max,
    thresholds: field('thresholds', 'a list of {value, status}', thresholds) ?? [],
    series: field('series', 'a list of {key, label}', series) ?? [],
    text: text('text'),
    mode: field('mode', 'markdown, html or text', oneOf('markdown', 'html', 'text')) ?? 'markdown',
    secret: field('private', 'a text', (v) => (typeof v === 'string' || isLocked(v) ? v : undefined)) ?? '',
    sort: text('sort'),
    descending: member(config, 'descending') === true,
    problems,
  };
}

const statuses = oneOf<Status>('ok', 'busy', 'attention', 'danger');

function oneOf<T extends string>(...words: readonly T[]): (value: Json | undefined) => T | undefined {
  return (value) => words.find((word) => word === value);
}

function thresholds(value: Json): readonly Threshold[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const all: Threshold[] = [];
  for (const [i, step] of value.entries()) {
    const status = statuses(member(step, 'status'));
    const at = member(step, 'value');
    const from = at === undefined || at === null ? (i === 0 ? Number.NEGATIVE_INFINITY : undefined) : number(at);
    if (status === undefined || from === undefined) return undefined;
    all.push({ value: from, status });
  }
  return all.sort((a, b) => a.value - b.value);
}

function series(value: Json): readonly Series[] | undefined {
  if (!Array.isArray(value)) return undefined;
  const all: Series[] = [];
  for (const one of value.slice(0, maxSeries)) {
    const key = textOf(member(one, 'key'));
    const label = textOf(member(one, 'label')) || key || textOf(one);
    if (label === '') return undefined;
    all.push({ key: key || label, label });
  }
  return all;
}

/** The status that a number means; `ok` below all thresholds. */
export function statusOf(value: number | null | undefined, all: readonly Threshold[]): Status {
  if (typeof value !== 'number') return 'ok';
  return all.findLast((step) => value >= step.value)?.status ?? 'ok';
}

/** Which kind of JSON something is, with its article. */
export function nameOf(value: Json): string {
  if (value === null) return 'null';
  if (Array.isArray(value)) return 'a list';
  if (typeof value === 'object') return 'an object';
  const text = JSON.stringify(value);
  return text.length > 40 ? `${text.slice(0, 40)}…` : text;
}
