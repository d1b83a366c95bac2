import { format } from '../format.ts';
import { unitOf } from '../units.ts';

/** Distances of the lines of a grid, at round numbers of a unit. */
const ten = [1, 2, 5];
const clock = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];
const kilo = [1, 2, 4, 8, 16, 32, 64, 128, 256, 512];

/** The smallest round distance that is not below `least`, in the unit's own numbers. */
export function increment(least: number, unit: string | undefined): number {
  const { base, times = 1, seconds = 1 } = unitOf(unit ?? 'short');
  const wanted = least * times;
  if (!(wanted > 0) || !Number.isFinite(wanted)) return 1;
  if (wanted < 1e-200) return least;
  if (base === 2 && wanted > 1) {
    const power = Math.max(0, Math.floor(Math.log2(wanted) / 10));
    const found = kilo.find((n) => n * 1024 ** power >= wanted);
    return (found ? found * 1024 ** power : 1024 ** (power + 1)) / times;
  }
  if (base === 60 && wanted * seconds > 1) {
    const found = clock.find((n) => n >= wanted * seconds);
    return (found ?? 86_400 * decimal((wanted * seconds) / 86_400)) / seconds;
  }
  return decimal(wanted) / times;
}

function decimal(least: number): number {
  const power = 10 ** Math.floor(Math.log10(least) + 1e-9);
  return (ten.find((n) => n * power >= least * (1 - 1e-9)) ?? 10) * power;
}

/** The multiples of a distance from `min` to `max`, at most 64 of them. */
export function splits(min: number, max: number, step: number): number[] {
  const from = Math.ceil(min / step - 1e-6);
  const to = Math.floor(max / step + 1e-6);
  if (!(to - from < 64)) return [];
  return Array.from({ length: to - from + 1 }, (_, i) => {
    const n = (from + i) * step;
    return Math.abs(n) < step * 1e-6 ? 0 : Number(n.toPrecision(12));
  });
}

export interface Ends {
  readonly min: number | undefined;
  readonly max: number | undefined;
  readonly unit: string | undefined;
}

/**
 * The scale for data between `low` and `high`, null if there is none: its ends are those asked for, else round numbers, from 0
 * if the data reaches down to its neighbourhood.
 */
export function scaleOf(low: number | null, high: number | null, ends: Ends, lines: number): [number, number] {
  let min = ends.min ?? low ?? Math.min(0, (ends.max ?? 1) - 1);
  let max = ends.max ?? high ?? min + 1;
  if (ends.min === undefined && min > 0 && min < max / 2) min = 0;
  if (ends.max === undefined && max < 0 && max > min / 2) max = 0;
  if (!(min < max)) {
    // All the same, or all beyond an end.
    const half = Math.max(Math.abs(min) * 0.1, Math.abs(max) * 0.1, Number.MIN_VALUE * 1e10) || 0.5;
    if (ends.max === undefined) max = Math.max(min, max) + half;
    if (ends.min === undefined) min = Math.min(min, max) - (ends.max === undefined && min < 2 * half ? 0 : half);
  }
  const step = increment((max - min) / Math.max(1, lines), ends.unit);
  if (ends.min === undefined) min = Math.floor(min / step + 1e-9) * step + 0;
  if (ends.max === undefined) max = Math.ceil(max / step - 1e-9) * step + 0;
  return min < max ? [min, max] : [min, min + step];
}

/** What stands at a line of the grid: no zeros at the end, the lines tell how exact it is. */
export function tick(value: number, unit: string | undefined): string {
  return format(value, { unit })
    .replace(/(\.\d*?)0+(?=\s|$)/, '$1')
    .replace(/\.(?=\s|$)/, '');
}

const every = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 10_800, 21_600, 43_200, 86_400];

/** The distance of times on an axis, in ms. */
export function timeIncrement(least: number): number {
  return (every.find((s) => s * 1000 >= least) ?? 86_400 * Math.ceil(least / 86_400_000)) * 1000;
}

const two = (n: number) => String(n).padStart(2, '0');

/** The time of day of this device; with seconds where the lines are closer than a minute. */
export function timeText(at: number, step: number): string {
  const date = new Date(at);
  const minutes = `${two(date.getHours())}:${two(date.getMinutes())}`;
  return step < 60_000 ? `${minutes}:${two(date.getSeconds())}` : minutes;
}
