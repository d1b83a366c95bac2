import type { CSSProperties, ReactNode } from 'react';
import { tick } from './chart/axis.ts';
import { statusOf } from './config.ts';
import type { DrawingProps } from './drawing.ts';
import { format, write } from './format.ts';
import { part, StatusMark } from './level.tsx';
import { readingOf } from './values.ts';

/** The arc: 240 degrees of a circle of radius 50 around 60, 58. */
const arc = 'M16.7 83A50 50 0 1 1 103.3 83';

const outside = 'M11.07 86.25A56.5 56.5 0 1 1 108.93 86.25';

/** The scale of a gauge; a percentage has its own. */
export function endsOf(
  { min, max, unit }: { min?: number; max?: number; unit?: string },
  value: number | null,
): [number, number] {
  const low = min ?? Math.min(0, value ?? 0);
  const high = max ?? (unit === 'percentunit' ? 1 : Math.max(unit === 'percent' ? 100 : 1, value ?? 0));
  return high > low ? [low, high] : [low, low + 1];
}

/** A value on its scale. */
export function Gauge({ config, value }: DrawingProps): ReactNode {
  const reading = readingOf(value?.data) ?? { value: null, word: '', detail: '' };
  const [min, max] = endsOf(config, reading.value);
  const status = statusOf(reading.value, config.thresholds);
  const filled = part(reading.value, min, max);
  const { number, unit } = reading.word ? { number: reading.word, unit: '' } : write(reading.value, config);
  const style = { '--letters': Math.max(4, number.length + unit.length / 2) } as CSSProperties;
  const bands = config.thresholds.filter((t) => t.status !== 'ok' && part(t.value, min, max) < 1);
  return (
    <div className="kind kind-gauge" data-status={status}>
      {/* biome-ignore lint/a11y/useSemanticElements: a meter element shows no text of ours inside it */}
      <div
        className="kind-dial"
        role="meter"
        aria-label={config.title || 'Value'}
        aria-valuemin={min}
        aria-valuemax={max}
        aria-valuenow={reading.value ?? undefined}
        aria-valuetext={`${format(reading.value, config)}${status === 'ok' ? '' : `, ${status}`}`}
      >
        <svg viewBox="0 0 120 98" aria-hidden="true">
          <path className="is-track" d={arc} pathLength={100} />
          {bands.map((t) => {
            const from = 100 * part(t.value, min, max);
            return (
              <path
                key={t.value}
                className="is-band"
                data-status={t.status}
                d={outside}
                pathLength={100}
                strokeDasharray={`0 ${from} ${100 - from} 0`}
              />
            );
          })}
          {filled > 0 && <path className="is-arc" d={arc} pathLength={100} strokeDasharray={`${100 * filled} 200`} />}
        </svg>
        <p className="kind-number" style={style}>
          <output>
            {number}
            {unit && <small>{unit}</small>}
          </output>
        </p>
        <p className="kind-ends" aria-hidden="true">
          <span>{tick(min, config.unit)}</span>
          <span>{tick(max, config.unit)}</span>
        </p>
      </div>
      <p className="kind-detail">
        <StatusMark status={status} /> <span title={reading.detail}>{reading.detail}</span>
      </p>
    </div>
  );
}
