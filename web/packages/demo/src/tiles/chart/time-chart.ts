import 'uplot/dist/uPlot.min.css';
import uPlot from 'uplot';
import type { TimeRange } from '../../tile.ts';
import type { Config } from '../config.ts';
import type { Columns } from '../values.ts';
import { increment, scaleOf, splits, tick, timeIncrement, timeText } from './axis.ts';
import { onFrame } from './frames.ts';
import { faded, palette, themeChanges } from './palette.ts';

export interface ChartState {
  readonly columns: Columns;
  readonly config: Config;
  readonly range: TimeRange;
  /** Of the letters, in px. */
  readonly letters: number;
  /** The lines that are not shown, by their place. */
  readonly hidden: ReadonlySet<number>;
}

/** Which point the crosshair is at, of the columns; null = none. `own`: the pointer is over this very chart. */
export type Hover = (index: number | null, own: boolean) => void;

/**
 * A line chart on canvas that scrolls with the clock of its range. It draws only while it can be seen, and only if something
 * in it has moved by a pixel. All charts with the same `sync` share their crosshair.
 */
export class TimeChart {
  readonly #host: HTMLElement;
  readonly #sync: string | null;
  readonly #hover: Hover;
  readonly #stops: (() => void)[] = [];
  #state: ChartState;
  #plot: uPlot | null = null;
  #lines = 0;
  #axisWidth = 0;
  /** What was drawn last: the right edge in device pixels, and whether it still holds. */
  #edge = Number.NaN;
  #dirty = true;
  #drawn: ChartState | null = null;

  constructor(host: HTMLElement, state: ChartState, options: { sync: string | null; hover: Hover }) {
    this.#host = host;
    this.#state = state;
    this.#sync = options.sync;
    this.#hover = options.hover;
    const size = new ResizeObserver(() => {
      this.#dirty = true;
    });
    size.observe(host);
    this.#stops.push(
      () => size.disconnect(),
      onFrame(host, this.#frame),
      themeChanges.subscribe(() => {
        this.#dirty = true;
      }),
    );
  }

  set(state: ChartState): void {
    this.#state = state;
  }

  destroy(): void {
    for (const stop of this.#stops) stop();
    this.#plot?.destroy();
    this.#plot = null;
  }

  readonly #frame = (): void => {
    const { columns, range } = this.#state;
    const state = this.#state;
    const plot = this.#plot;
    const pixels = plot ? plot.bbox.width : 0;
    const end = range.end();
    const perPixel = pixels > 0 ? range.ms / pixels : 1;
    const edge = Math.floor(end / perPixel);
    if (plot && edge === this.#edge && !this.#dirty && state === this.#drawn) return;

    const { clientWidth: width, clientHeight: height } = this.#host;
    if (width < 40 || height < 24) return; // no room: a tile that is hidden or being sized
    const redraw = this.#dirty || state.config !== this.#drawn?.config || state.hidden !== this.#drawn?.hidden;
    if (!plot || this.#lines !== columns.series.length || state.letters !== this.#drawn?.letters) {
      plot?.destroy();
      this.#plot = this.#make(width, height);
    }
    const now = this.#plot;
    if (!now) return;
    const right = edge * perPixel;
    now.batch(() => {
      if (now.width !== width || now.height !== height) now.setSize({ width, height });
      for (let i = 0; i < this.#lines; i++) {
        const show = !state.hidden.has(i);
        if (now.series[i + 1]?.show !== show) now.setSeries(i + 1, { show });
      }
      if (this.#drawn?.columns !== columns || now !== plot) now.setData(aligned(columns), false);
      now.setScale('x', { min: right - range.ms, max: right });
      if (redraw) now.redraw(true, true);
    });
    this.#edge = edge;
    this.#dirty = false;
    this.#drawn = state;
  };

  #make(width: number, height: number): uPlot {
    this.#lines = this.#state.columns.series.length;
    this.#axisWidth = 0;
    const font = `${this.#state.letters}px ${palette().font}`;
    const grid = { stroke: () => faded(palette().line, 0.7), width: 1 };
    return new uPlot(
      {
        width,
        height,
        ms: 1,
        padding: [Math.max(8, Math.ceil(this.#state.letters * 0.6)), 8, 0, 0], // half a letter stands above the top line
        legend: { show: false },
        select: { show: false, left: 0, top: 0, width: 0, height: 0 },
        cursor: {
          y: false,
          drag: { x: false, y: false, setScale: false },
          points: { size: 7, width: 2, stroke: (_, i) => hue(i - 1), fill: () => palette().surface },
          ...(this.#sync ? { sync: { key: this.#sync, scales: ['x', null], setSeries: false } } : {}),
        },
        scales: {
          x: { time: false, auto: false },
          y: {
            range: (u, low, high) =>
              scaleOf(low, high, this.#ends, Math.max(1, Math.floor(u.bbox.height / 40 / uPlot.pxRatio))),
          },
        },
        axes: [
          {
            font,
            stroke: () => palette().muted,
            size: Math.round(this.#state.letters * 1.9),
            gap: 6,
            grid: { show: false },
            ticks: { show: false },
            incrs: (_, __, min, max, dim, space) => [timeIncrement(((max - min) / dim) * space)],
            space: this.#state.letters * 7,
            splits: (u, __, min, max, step) => inside(u, splits(min, max, step), step, this.#state.letters),
            values: (_, at, __, ___, step) => at.map((t) => timeText(t, step)),
          },
          {
            font,
            stroke: () => palette().muted,
            size: this.#widthOf,
            gap: 8,
            grid,
            ticks: { show: false },
            space: this.#state.letters * 2.6,
            incrs: (_, __, min, max, dim, space) => [increment(((max - min) / dim) * space, this.#ends.unit)],
            splits: (_, __, min, max, step) => splits(min, max, step),
            values: (_, at) => at.map((n) => tick(n, this.#ends.unit)),
          },
        ],
        series: [
          {},
          ...Array.from(
            { length: this.#lines },
            (_, i): uPlot.Series => ({
              stroke: () => hue(i),
              width: 1.5,
              fill: (u) => (this.#lines === 1 ? area(u) : 'transparent'),
              fillTo: (u) => u.scales.y?.min ?? 0,
              points: { show: false },
              pxAlign: 0,
            }),
          ),
        ],
        hooks: {
          draw: [this.#drawThresholds, this.#drawAlone],
          setCursor: [
            (u) => {
              this.#hover(
                u.cursor.left !== undefined && u.cursor.left >= 0 ? (u.cursor.idx ?? null) : null,
                Boolean(u.cursor.event),
              );
            },
          ],
        },
      },
      aligned(this.#state.columns),
      this.#host,
    );
  }

  get #ends() {
    const { min, max, unit } = this.#state.config;
    return { min, max, unit };
  }

  /** As wide as the widest number so far, so that the lines do not jump to and fro. */
  readonly #widthOf = (u: uPlot, values: string[] | null): number => {
    if (values) {
      u.ctx.save();
      u.ctx.font = `${this.#state.letters * uPlot.pxRatio}px ${palette().font}`;
      const widest = Math.max(0, ...values.map((text) => u.ctx.measureText(text ?? '').width)) / uPlot.pxRatio;
      u.ctx.restore();
      this.#axisWidth = Math.max(this.#axisWidth, Math.ceil((widest + 12) / 8) * 8);
    }
    return this.#axisWidth || 48;
  };

  /** A dashed line for each threshold, with the mark of its status at its end. */
  readonly #drawThresholds = (u: uPlot): void => {
    const { ctx, bbox } = u;
    const { min = 0, max = 0 } = u.scales.y ?? {};
    const ratio = uPlot.pxRatio;
    ctx.save();
    for (const { value, status } of this.#state.config.thresholds) {
      if (!(value > (min ?? 0)) || !(value <= (max ?? 0)) || status === 'ok') continue;
      const y = Math.round(u.valToPos(value, 'y', true)) + 0.5;
      const right = bbox.left + bbox.width;
      ctx.strokeStyle = ctx.fillStyle = palette().status[status];
      ctx.globalAlpha = 0.75;
      ctx.lineWidth = ratio;
      ctx.setLineDash([4 * ratio, 4 * ratio]);
      ctx.beginPath();
      ctx.moveTo(bbox.left, y);
      ctx.lineTo(right - 10 * ratio, y);
      ctx.stroke();
      ctx.globalAlpha = 1;
      mark(ctx, status, right - 4 * ratio, y, 4 * ratio);
    }
    ctx.restore();
  };

  /** A value with nothing before and after it makes no line: it is a dot. */
  readonly #drawAlone = (u: uPlot): void => {
    const { ctx, bbox } = u;
    const times = u.data[0];
    const { min = 0, max = 0 } = u.scales.x ?? {};
    ctx.save();
    ctx.beginPath();
    ctx.rect(bbox.left, bbox.top, bbox.width, bbox.height);
    ctx.clip();
    for (let s = 1; s < u.data.length; s++) {
      const line = u.data[s];
      if (!line || !u.series[s]?.show) continue;
      ctx.fillStyle = hue(s - 1);
      for (let i = 0; i < line.length; i++) {
        const n = line[i];
        const at = times[i] ?? 0;
        if (typeof n !== 'number' || typeof line[i - 1] === 'number' || typeof line[i + 1] === 'number') continue;
        if (at < (min ?? 0) || at > (max ?? 0)) continue;
        ctx.beginPath();
        ctx.arc(u.valToPos(at, 'x', true), u.valToPos(n, 'y', true), 2 * uPlot.pxRatio, 0, 2 * Math.PI);
        ctx.fill();
      }
    }
    ctx.restore();
  };
}

function aligned({ times, series }: Columns): uPlot.AlignedData {
  return [times, ...series] as unknown as uPlot.AlignedData; // it does not write to them
}

/** Times whose text has room on both sides. */
function inside(u: uPlot, times: number[], step: number, letters: number): number[] {
  const { min, max } = u.scales.x ?? {};
  const width = u.bbox.width / uPlot.pxRatio;
  if (typeof min !== 'number' || typeof max !== 'number' || width <= 0) return times;
  const room = ((max - min) / width) * letters * (step < 60_000 ? 2.4 : 1.6);
  return times.filter((t) => t >= min + room && t <= max - room);
}

function hue(series: number): string {
  const { hues } = palette();
  return hues[series % hues.length] ?? palette().text;
}

function area(u: uPlot): CanvasGradient | string {
  const { top, height } = u.bbox;
  if (!(height > 0)) return 'transparent';
  const fill = u.ctx.createLinearGradient(0, top, 0, top + height);
  fill.addColorStop(0, faded(hue(0), 0.22));
  fill.addColorStop(1, faded(hue(0), 0.02));
  return fill;
}

/** The shapes of the statuses, as in front of their words: a triangle, a diamond, a dot. */
function mark(ctx: CanvasRenderingContext2D, status: string, x: number, y: number, r: number): void {
  ctx.setLineDash([]);
  ctx.beginPath();
  if (status === 'busy') ctx.arc(x, y, r * 0.8, 0, 2 * Math.PI);
  else {
    ctx.moveTo(x, y - r);
    ctx.lineTo(x + r, status === 'danger' ? y : y + r * 0.8);
    if (status === 'danger') ctx.lineTo(x, y + r);
    ctx.lineTo(x - r, status === 'danger' ? y : y + r * 0.8);
  }
  ctx.fill();
}
