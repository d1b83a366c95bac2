import type { CSSProperties, ReactNode } from 'react';
import { statusOf } from './config.ts';
import type { DrawingProps } from './drawing.ts';
import { format } from './format.ts';
import { endsOf } from './gauge.tsx';
import { part, StatusMark } from './level.tsx';
import { levelsOf } from './values.ts';

/** Several values on one scale, one below the other. */
export function BarGauge({ config, value }: DrawingProps): ReactNode {
  const levels =
    levelsOf(
      value?.data,
      config.series.map((s) => s.label),
    ) ?? [];
  const largest = Math.max(...levels.map((l) => l.value ?? Number.NEGATIVE_INFINITY));
  const smallest = Math.min(...levels.map((l) => l.value ?? Number.POSITIVE_INFINITY));
  const [, max] = endsOf(config, Number.isFinite(largest) ? largest : null);
  const [min] = endsOf(config, Number.isFinite(smallest) ? smallest : null);
  return (
    <ul className="kind kind-bars">
      {levels.map(({ label, value: n }, i) => {
        const status = statusOf(n, config.thresholds);
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: two may have one name
          <li key={i} data-status={status}>
            <span className="kind-label" title={label}>
              {label}
            </span>
            <StatusMark status={status} />
            <output>{format(n, config)}</output>
            <i style={{ '--part': part(n, min, max) } as CSSProperties} aria-hidden="true" />
          </li>
        );
      })}
    </ul>
  );
}
