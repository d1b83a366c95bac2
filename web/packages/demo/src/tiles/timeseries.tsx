import {
  type CSSProperties,
  type ReactNode,
  useCallback,
  useEffect,
  useMemo,
  useRef,
  useState,
  useSyncExternalStore,
} from 'react';
import type { TimeRange } from '../tile.ts';
import { timeText } from './chart/axis.ts';
import { hueOf } from './chart/palette.ts';
import { summaryOf } from './chart/summary.ts';
import type { TimeChart } from './chart/time-chart.ts';
import { type Config, maxSeries } from './config.ts';
import type { DrawingProps } from './drawing.ts';
import { ago, format } from './format.ts';
import { usePart } from './part.ts';
import { chartPart } from './parts.ts';
import { seconds } from './seconds.ts';
import { type Columns, columnsOf, withGaps } from './values.ts';

/** The lines of a widget: those that it names, and those that came besides. */
export function labelsOf({ series, title }: Config, count: number): readonly string[] {
  if (count <= 1 && series.length === 0) return [title || 'value'];
  return Array.from({ length: Math.max(count, 1) }, (_, i) => series[i]?.label ?? `series ${i + 1}`);
}

export function TimeSeries({ config, value, range, kiosk, sync }: DrawingProps): ReactNode {
  const data = value?.data;
  const columns = useMemo(() => {
    const keys = config.series.map((s) => s.key);
    return withGaps(columnsOf(data, keys, maxSeries));
  }, [data, config]);
  const labels = labelsOf(config, columns.series.length);
  const [hidden, setHidden] = useState<ReadonlySet<number>>(new Set<number>());
  const [at, setAt] = useState<{ index: number; own: boolean } | null>(null);

  const host = useRef<HTMLDivElement>(null);
  const chart = useRef<TimeChart | null>(null);
  const state = { columns, config, range, hidden, letters: kiosk ? wallLetters() : 11 };
  const latest = useRef(state);
  const Chart = usePart(chartPart)?.TimeChart;

  useEffect(() => {
    if (!host.current || !Chart) return;
    const made = new Chart(host.current, latest.current, {
      sync,
      hover: (index, own) =>
        setAt((was) => (index === null ? null : was?.index === index && was.own === own ? was : { index, own })),
    });
    chart.current = made;
    return () => {
      made.destroy();
      chart.current = null;
    };
  }, [Chart, sync]);

  // biome-ignore lint/correctness/useExhaustiveDependencies: `state` is made of exactly these
  useEffect(() => {
    latest.current = state;
    chart.current?.set(state);
  }, [columns, config, range, hidden, kiosk]);

  const toggle = (i: number) => {
    const next = new Set(hidden);
    if (!next.delete(i)) next.add(i);
    setHidden(next);
  };
  const past = usePast(columns.times.at(-1), range);
  const shown = at && at.index < columns.times.length ? at : null;
  return (
    <figure className="kind kind-timeseries">
      <div ref={host} className="kind-canvas" aria-hidden="true" />
      {past !== '' && <p className="kind-past">{past}</p>}
      <Legend
        labels={labels}
        numbers={columns.series.map((one) => (shown ? one[shown.index] : one.at(-1)) ?? null)}
        config={config}
        hidden={hidden}
        onToggle={kiosk || labels.length < 2 ? undefined : toggle}
      />
      {shown?.own && (
        <span className="kind-clock" aria-hidden="true">
          {timeText(columns.times[shown.index] ?? 0, 1000)}
        </span>
      )}
      <Summary columns={columns} labels={labels} config={config} />
    </figure>
  );
}

/** Why a chart is empty though values came: the newest, at `last` by the server's clock, is older than what is shown. */
function usePast(last: number | undefined, { ms, end, frozen }: TimeRange): string {
  const words = useCallback(() => {
    if (last === undefined || frozen) return '';
    const now = end();
    const minutes = Math.round(ms / 60_000);
    const stretch = minutes === 1 ? 'the last minute' : `the last ${minutes} minutes`;
    return last < now - ms ? `Nothing in ${stretch}. The newest value came ${ago(now - last)}.` : '';
  }, [last, ms, end, frozen]);
  return useSyncExternalStore(seconds.subscribe, words, words);
}

/** Of a chart on a wall, in px: as the style sheet has it. */
function wallLetters(): number {
  return Math.round(Math.min(20, Math.max(11, window.innerHeight * 0.014)));
}

interface LegendProps {
  readonly labels: readonly string[];
  readonly numbers: readonly (number | null)[];
  readonly config: Config;
  readonly hidden: ReadonlySet<number>;
  readonly onToggle: ((i: number) => void) | undefined;
}

function Legend({ labels, numbers, config, hidden, onToggle }: LegendProps): ReactNode {
  return (
    <ul className="kind-legend">
      {labels.map((label, i) => {
        const content = (
          <>
            <i aria-hidden="true" />
            <span>{label}</span> <output>{hidden.has(i) ? 'hidden' : format(numbers[i], config)}</output>
          </>
        );
        const style = { '--hue': hueOf(i) } as CSSProperties;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a line is known by its place
          <li key={i} style={style} data-hidden={hidden.has(i) || undefined}>
            {onToggle ? (
              <button
                type="button"
                aria-pressed={!hidden.has(i)}
                title={`Show or hide ${label}`}
                onClick={() => onToggle(i)}
              >
                {content}
              </button>
            ) : (
              content
            )}
          </li>
        );
      })}
    </ul>
  );
}

/** What the chart shows in words, for who does not see it: told anew at most every few seconds. */
function Summary({
  columns,
  labels,
  config,
}: {
  columns: Columns;
  labels: readonly string[];
  config: Config;
}): ReactNode {
  const now = { columns, labels, config };
  const [told, setTold] = useState(now);
  const newest = useRef(now);
  useEffect(() => {
    newest.current = { columns, labels, config };
  }, [columns, labels, config]);
  useEffect(() => {
    const timer = setInterval(() => setTold(newest.current), 5000);
    return () => clearInterval(timer);
  }, []);
  const text = useMemo(() => summaryOf(told.columns, told.labels, told.config), [told]);
  return <figcaption className="ui-unseen">{text}</figcaption>;
}
