import { type Unit, unitOf } from './units.ts';

/** A number as it is shown: apart, so that the unit can be smaller. */
export interface Written {
  readonly number: string;
  /** `MiB/s`; `''` = none. */
  readonly unit: string;
}

export interface Style {
  readonly unit?: string;
  /** Digits after the point; absent = as many as say something. */
  readonly decimals?: number;
}

/** What stands for a value that is not known. */
export const unknown = '–';

const narrowSpace = '\u202f';

/** Writes a number without Intl, which is too slow for what runs with every frame. */
export function write(value: number | null | undefined, { unit: name = 'short', decimals }: Style = {}): Written {
  if (value === null || value === undefined || Number.isNaN(value)) return { number: unknown, unit: '' };
  const unit = unitOf(name);
  if (unit.words) return { number: unit.words[value === 0 ? 0 : 1], unit: '' };
  const n = value * (unit.times ?? 1);
  const size = Math.abs(n);
  const endless = { number: n < 0 ? '−∞' : '∞', unit: symbolOf(unit, 1) };
  if (!Number.isFinite(n)) return endless;
  if (unit.seconds && size * unit.seconds >= 59.95 && size * unit.seconds < 1e15) {
    return { number: (n < 0 ? '−' : '') + clock(size * unit.seconds), unit: '' };
  }
  const [step, symbol] = stepOf(unit, size, decimals);
  const scaled = size / step;
  if (!Number.isFinite(scaled)) return endless; // the smallest step, and the largest of numbers
  const text = beyond(scaled, decimals)
    ? scaled.toExponential(1).replace('e+', 'e')
    : grouped(scaled.toFixed(digitsOf(scaled, step, decimals)));
  const sign = n < 0 && /[1-9]/.test(text) ? '−' : '';
  return { number: sign + (unit.before ?? '') + text, unit: symbol + (unit.per ?? '') };
}

/** The same as one text: `41.9 ms`. */
export function format(value: number | null | undefined, style?: Style): string {
  const { number, unit } = write(value, style);
  return unit === '' ? number : `${number} ${unit}`;
}

/** The largest step that the value fills, as rounded: 1023.99 KiB is 1 MiB. */
function stepOf(unit: Unit, size: number, decimals: number | undefined): readonly [number, string] {
  const { steps } = unit;
  const base = steps.find(([step]) => step === 1) ?? steps[0] ?? ([1, ''] as const);
  if (size === 0) return base;
  for (const [i, step] of steps.entries()) {
    if (size < step[0] * 0.9995) continue;
    const larger = steps[i - 1];
    const text = (size / step[0]).toFixed(digitsOf(size / step[0], step[0], decimals));
    return larger && Number(text) * step[0] >= larger[0] ? larger : step;
  }
  return steps.at(-1) ?? base;
}

function symbolOf(unit: Unit, step: number): string {
  return (unit.steps.find(([s]) => s === step)?.[1] ?? '') + (unit.per ?? '');
}

/**
 * Digits after the point. What is asked for counts for the unit as such: 3 of a second are 0 of a millisecond. A scaled
 * number has some where 0 are asked for, since `1.4 GiB` is not `1 GiB`.
 */
function digitsOf(scaled: number, step: number, decimals: number | undefined): number {
  const enough = scaled >= 99.95 || (step >= 1 && Number.isInteger(scaled)) ? 0 : scaled >= 9.995 ? 1 : 2;
  if (decimals === undefined) return scaled !== 0 && scaled < 0.1 ? small(scaled) : enough;
  if (step > 1) return decimals === 0 ? Math.min(enough, 1) : decimals;
  return step === 1 ? decimals : Math.max(0, decimals + Math.round(Math.log10(step)));
}

/** Too many digits to read. */
function beyond(scaled: number, decimals: number | undefined): boolean {
  return scaled >= 1e15 || (decimals === undefined && scaled !== 0 && scaled < 1e-6);
}

/** Digits that show two that are not 0. */
function small(scaled: number): number {
  return Math.min(8, 1 - Math.floor(Math.log10(scaled)));
}

/** 12345.6 is `12 345.6`; four digits stand together. */
function grouped(text: string): string {
  const point = text.indexOf('.');
  const whole = point < 0 ? text : text.slice(0, point);
  if (whole.length < 5 || whole.length > 21) return text;
  return whole.replace(/\B(?=(\d{3})+$)/g, narrowSpace) + (point < 0 ? '' : text.slice(point));
}

const spans = [
  [86_400 * 365, 'y', 86_400, 'd'],
  [86_400, 'd', 3600, 'h'],
  [3600, 'h', 60, 'min'],
  [60, 'min', 1, 's'],
] as const;

/** A minute or more, in two units: `2 h 48 min`. */
function clock(seconds: number): string {
  for (const [large, name, small, rest] of spans) {
    const rounded = Math.round(seconds / small) * small;
    if (rounded < large) continue;
    const most = Math.floor(rounded / large);
    const left = Math.floor((rounded - most * large) / small);
    return left === 0 ? `${grouped(String(most))} ${name}` : `${grouped(String(most))} ${name} ${left} ${rest}`;
  }
  return `${Math.round(seconds)} s`;
}

/** How long ago something was: `just now`, `45 s ago`, `3 min ago`. */
export function ago(ms: number): string {
  const s = Math.max(0, Math.round(ms / 1000));
  if (s < 5) return 'just now';
  if (s < 60) return `${s} s ago`;
  if (s < 3600) return `${Math.floor(s / 60)} min ago`;
  if (s < 86_400) return `${Math.floor(s / 3600)} h ago`;
  return `${Math.floor(s / 86_400)} d ago`;
}
