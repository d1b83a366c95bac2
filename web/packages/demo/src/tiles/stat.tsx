import { type CSSProperties, type ReactNode, useMemo } from 'react';
import { statusOf } from './config.ts';
import type { DrawingProps } from './drawing.ts';
import { write } from './format.ts';
import { StatusMark } from './level.tsx';
import { isTelling, Spark, type Trail, useTrail } from './spark.tsx';
import { columnsOf, readingOf } from './values.ts';

/** One number, as large as it fits, with a line behind it of where it comes from. */
export function Stat({ config, value, range }: DrawingProps): ReactNode {
  const data = value?.data;
  const reading = useMemo(() => readingOf(data), [data]);
  const points = useMemo((): Trail | null => {
    if (!Array.isArray(data)) return null;
    const { times, series } = columnsOf(data, ['value'], 1);
    return times.flatMap((at, i): Trail => {
      const n = series[0]?.[i];
      return typeof n === 'number' ? [[at, n]] : [];
    });
  }, [data]);
  const seen = useTrail(points || range.frozen ? null : (reading?.value ?? null), data, range.ms);

  const { number, unit } = reading?.word ? { number: reading.word, unit: '' } : write(reading?.value, config);
  const status = statusOf(reading?.value, config.thresholds);
  const trail = points ?? (isTelling(seen) ? seen : []);
  // How wide the number is, in letters; the unit is half as large.
  const style = { '--letters': Math.max(3, number.length + unit.length / 2 + (unit ? 0.4 : 0)) } as CSSProperties;
  return (
    <div className="kind kind-stat" data-status={status} data-spark={trail.length > 1 || undefined}>
      <p className="kind-number" style={style}>
        <output>
          {number}
          {unit && <small>{unit}</small>}
        </output>
      </p>
      {(reading?.detail || status !== 'ok') && (
        <p className="kind-detail">
          <StatusMark status={status} /> <span title={reading?.detail}>{reading?.detail}</span>
        </p>
      )}
      {trail.length > 1 && <Spark trail={trail} min={config.min} max={config.max} />}
    </div>
  );
}
