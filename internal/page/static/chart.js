// How numbers are written, and a line chart on canvas that scrolls with the server's clock.
const scales = {
  bytes: [[2 ** 40, 'TiB'], [2 ** 30, 'GiB'], [2 ** 20, 'MiB'], [2 ** 10, 'KiB'], [1, 'B']],
  duration: [[86_400, 'd'], [3600, 'h'], [60, 'min'], [1, 's'], [1e-3, 'ms'], [1e-6, 'µs']],
  short: [[1e12, 'T'], [1e9, 'G'], [1e6, 'M'], [1e3, 'k'], [1, '']],
  percent: [[1, '%']],
};
export function format(n, { unit = 'short', decimals } = {}) {
  if (typeof n !== 'number') return String(n ?? '–');
  const [name, per] = unit.split('/'), scale = scales[name] ?? [[1, unit]];
  const [size, symbol] = scale.find(([s]) => (n ? Math.abs(n) >= s : s === 1)) ?? scale.at(-1);
  const least = (n / size) % 1 ? 1 : 0, digits = size < 1 ? 1 : Math.max(size === 1 ? 0 : least, decimals ?? (size === 1 ? least : 1));
  const text = (n / size).toLocaleString(undefined, { minimumFractionDigits: digits, maximumFractionDigits: digits });
  return `${text} ${symbol}${scales[name] && per ? `/${per}` : ''}`.trim();
}
/** What all charts share: the span in ms, the time under the pointer, and the server's clock less ours. */
export const time = { span: 300_000, hover: 0, offset: 0, end: () => Date.now() + time.offset - 1000 };
export const gutter = 64; // px left of the lines, for the numbers
/** Where the lines of a grid are: few, and at round numbers. */
function ticks(low, high, unit = '') {
  const rough = (high - low) / 3, kilo = unit.startsWith('bytes') ? Math.max(0, Math.floor(Math.log(rough) / Math.log(1024))) : 0;
  const ten = 1024 ** kilo * 10 ** Math.floor(Math.log10(rough / 1024 ** kilo));
  const step = ten * [1, 2, 5, 10].find((s) => s * ten >= rough), from = Math.floor(low / step);
  return Array.from({ length: Math.ceil(high / step - 1e-6) - from + 1 }, (_, i) => (from + i) * step);
}
/** Draws points [[ms, n, n …]], a line for each color. */
export function draw(canvas, points, colors, config) {
  const ctx = canvas.getContext('2d'), { clientWidth: width, clientHeight: height } = canvas, ink = getComputedStyle(canvas);
  Object.assign(canvas, { width: width * devicePixelRatio, height: height * devicePixelRatio }); // clears it too
  ctx.scale(devicePixelRatio, devicePixelRatio);
  Object.assign(ctx, { font: `11px ${ink.fontFamily}`, fillStyle: ink.color, textAlign: 'right', lineJoin: 'round' });
  const [left, top, w, h] = [gutter, 8, width - gutter, height - 28];
  if (w <= 0 || h <= 0) return; // no room: a tile that is hidden or being sized
  const end = time.end(), start = end - time.span, shown = points.slice(Math.max(0, points.findIndex((p) => p[0] >= start) - 1));
  const numbers = shown.flatMap((p) => p.slice(1, colors.length + 1)).filter((n) => typeof n === 'number');
  const low = Math.min(config.min ?? Infinity, ...numbers), high = Math.max(config.max ?? -Infinity, ...numbers);
  const lines = ticks(...(low < high ? [low, high] : high > -Infinity ? [high, high + 1] : [0, 1]), config.unit);
  const x = (t) => left + ((t - start) / time.span) * w, y = (n) => top + h * (1 - (n - lines[0]) / (lines.at(-1) - lines[0]));
  const stroke = (strokeStyle, lineWidth, spots) => {
    Object.assign(ctx, { strokeStyle, lineWidth }).beginPath();
    for (const spot of spots) ctx.lineTo(...spot);
    ctx.stroke();
  };
  const decimals = Math.max(0, Math.ceil(-Math.log10(lines[1] - lines[0])));
  for (const n of lines) {
    stroke(ink.outlineColor, 1, [[left, Math.round(y(n)) + 0.5], [width, Math.round(y(n)) + 0.5]]);
    ctx.fillText(format(n, { unit: config.unit, decimals }), left - 8, y(n) + 4);
  }
  const every = [15, 30, 60, 120, 300].find((s) => (s * 1000 * w) / time.span > 64) * 1000 || 600_000;
  for (let t = end - (end % every); x(t) > left + 24; t -= every) {
    const clock = new Date(t).toLocaleTimeString('sv', { timeStyle: every < 60_000 ? 'medium' : 'short' });
    ctx.fillText(clock, Math.min(x(t) + 16, width), height - 4);
  }
  ctx.rect(left, 0, w, height), ctx.clip();
  if (time.hover > start) stroke(ink.color, 1, [[x(time.hover), top], [x(time.hover), top + h]]);
  const gap = (6 * (shown.at(-1)?.[0] - shown[0]?.[0])) / (shown.length - 1); // a longer silence breaks the line
  for (const [i, color] of colors.entries()) {
    const known = shown.filter((p) => typeof p[i + 1] === 'number');
    let run = 0;
    const runs = Object.groupBy(known, (p, k) => (k && p[0] - known[k - 1][0] > gap ? ++run : run));
    for (const spots of Object.values(runs).map((points) => points.map((p) => [x(p[0]), y(p[i + 1])]))) {
      stroke(color, 1.5, spots);
      if (colors.length > 1) continue;
      for (const at of [spots.at(-1)[0], spots[0][0]]) ctx.lineTo(at, top + h);
      Object.assign(ctx, { fillStyle: color.replace(')', ', 0.12)') }).fill();
    }
  }
}
