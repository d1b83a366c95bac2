import type { Config } from '../config.ts';
import { statusOf } from '../config.ts';
import { format } from '../format.ts';
import type { Columns } from '../values.ts';

/** A line chart in words: each line's newest, lowest and highest value. */
export function summaryOf({ times, series }: Columns, labels: readonly string[], config: Config): string {
  const [first, last] = [times[0], times.at(-1)];
  if (first === undefined || last === undefined) return 'Line chart, no values yet.';
  const lines = series.map((values, i) => {
    const label = labels[i] ?? `series ${i + 1}`;
    let low = Number.POSITIVE_INFINITY;
    let high = Number.NEGATIVE_INFINITY;
    for (const n of values) {
      if (n === null) continue;
      low = Math.min(low, n);
      high = Math.max(high, n);
    }
    if (low > high) return `${label}: no values`;
    const newest = values.findLast((n) => n !== null);
    const status = statusOf(newest, config.thresholds);
    const word = status === 'ok' ? '' : ` (${status})`;
    return `${label}: ${format(newest, config)}${word}, between ${format(low, config)} and ${format(high, config)}`;
  });
  const span = format((last - first) / 1000, { unit: 'duration', decimals: 0 });
  return `Line chart over ${span}. ${lines.join('. ')}.`;
}
