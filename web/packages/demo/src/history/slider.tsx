import { type CSSProperties, type ReactNode, useMemo } from 'react';
import type { PersonOf } from './authors.ts';
import type { Row } from './log.ts';
import { ticksOf } from './ticks.ts';
import { timeOf } from './times.ts';

/** How many ticks there is room for. */
const mostTicks = 110;

interface SliderProps {
  readonly rows: readonly Row[];
  readonly min: number;
  /** The newest version. */
  readonly max: number;
  readonly value: number;
  /** The row of `value`, once it is known. */
  readonly row: Row | undefined;
  readonly personOf: PersonOf;
  readonly onChange: (version: number) => void;
}

/** All versions on a line, with who made them in their colours. */
export function Slider({ rows, min, max, value, row, personOf, onChange }: SliderProps): ReactNode {
  const ticks = useMemo(() => ticksOf(rows, min, max, mostTicks), [rows, min, max]);
  const colors = useMemo(
    () => new Map(rows.map(({ version, author }) => [version, personOf(author).color])),
    [rows, personOf],
  );
  const said = row && `${personOf(row.author).name}: ${row.words}. ${timeOf(row.at)}`;
  return (
    <div className="versions">
      <div className="versions-ticks" aria-hidden="true">
        {ticks.map(({ version, at }) => {
          const style = { '--at': at, '--who': colors.get(version) } as CSSProperties;
          return <i key={version} style={style} data-at={version === value || undefined} />;
        })}
      </div>
      <input
        type="range"
        className="versions-range"
        data-first=""
        aria-label="Version"
        aria-valuetext={`Version ${value}${value === max ? ', now' : ''}${said ? `. ${said}` : ''}`}
        min={min}
        max={max}
        step={1}
        value={value}
        disabled={max <= min}
        onChange={(event) => onChange(Number(event.target.value))}
      />
      <div className="versions-ends" aria-hidden="true">
        <span>Version {min.toLocaleString('en')}</span>
        <span>Now</span>
      </div>
    </div>
  );
}
