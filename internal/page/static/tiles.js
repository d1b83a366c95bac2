// What is inside a tile. A drawer builds its elements once and returns what takes a value; body.frame is called for
// each frame. Text from the document becomes text nodes, never markup.
import { draw, format, gutter, time } from './chart.js';

export function add(to, tag, className = '', textContent = '') {
  const el = Object.assign(document.createElement(tag), { className, textContent });
  to.append(el);
  return el;
}
const show = (el, text) => el.textContent === text || (el.textContent = text); // writing makes the browser lay out again
const part = (n, { min = 0, max = 100 }) => Math.min(100, Math.max(0, (100 * (n - min)) / (max - min)));
const statusOf = (n, { thresholds = [] }) => thresholds.findLast((t) => n !== null && n >= (t.value ?? -Infinity))?.status ?? 'ok';
/** A large number with a note beneath it, and the status that it means. */
function number(body, config, also = () => {}) {
  const out = add(body, 'output', 'number', '–'), note = add(body, 'p', 'detail');
  return (v) => {
    const { value = null, detail = '' } = v ?? {};
    [out.textContent, note.textContent, body.dataset.status] = [format(value, config), detail, statusOf(value, config)];
    also(value);
  };
}

export const drawers = {
  row() {},
  text: (body, { text = '', mode = 'markdown' }) => void (mode === 'markdown' ? markdown(body, String(text)) : add(body, 'pre', '', text)),
  stat: number,
  gauge(body, config) {
    body.append(document.getElementById('gauge').content.cloneNode(true));
    const arc = body.querySelector('.arc');
    return number(body, config, (value) => { arc.style.strokeDasharray = `${part(value, config)} 100`; });
  },
  bargauge: (body, config) => (v) => body.replaceChildren(...(v?.values ?? [v]).map(({ label, value }) => {
    const row = add(body, 'div', 'level', label);
    row.dataset.status = statusOf(value, config);
    add(row, 'output', '', format(value, config));
    add(row, 'i').style.inlineSize = `${part(value, config)}%`;
    return row;
  })),
  timeseries(body, config) {
    const canvas = add(body, 'canvas'), legend = add(body, 'ul', 'legend');
    const rows = (config.series ?? [{ label: 'value' }]).map(({ label, key }, i) => add(legend, 'li', `hue${i % 8}`, label ?? key));
    const numbers = rows.map((row) => add(row, 'output'));
    let points = [], drawn = '';
    body.frame = () => {
      const pixel = Math.round((time.end() / time.span) * canvas.clientWidth * 2), ink = getComputedStyle(canvas).color;
      if (drawn === (drawn = [pixel, time.hover, canvas.clientHeight, ink].join())) return; // nothing moved
      const at = (time.hover && points.findLast((p) => p[0] <= time.hover)) || points.at(-1);
      for (const [i, out] of numbers.entries()) show(out, format(at?.[i + 1], config));
      draw(canvas, points, rows.map((row) => getComputedStyle(row).borderColor), config);
    };
    canvas.onpointermove = (e) => { time.hover = time.end() - time.span * (1 - (e.offsetX - gutter) / (canvas.clientWidth - gutter)); };
    canvas.onpointerleave = () => { time.hover = 0; };
    return (data) => { [points, drawn] = [Array.isArray(data) ? data : [], '']; };
  },
  table(body) {
    const table = add(body, 'table');
    return (v) => table.replaceChildren(...[v?.columns ?? [], ...(v?.rows ?? [])].map((cells, i) => {
      const row = add(table, 'tr');
      cells.forEach((cell, k) => add(row, i ? 'td' : 'th', typeof v.rows?.[0]?.[k] === 'number' ? 'numeric' : '', cell ?? ''));
      return row;
    }));
  },
};
/** A very small Markdown: headings, list items, paragraphs, bold and code. */
function markdown(body, text) {
  for (const block of text.split(/\n\s*\n|\n(?=#|[-*] |\d+\. )/)) {
    const [, heading, bullet, rest] = block.match(/^(#*)\s*((?:[-*]|\d+\.) )?([^]*)$/);
    const el = add(body, heading ? 'h3' : 'p', bullet ? 'item' : '', bullet?.replace(/[-*]/, '•'));
    for (const piece of rest.split(/(\*\*[^*]+\*\*|`[^`]+`)/)) {
      const [, mark, inside] = piece.match(/^(\*\*|`)(.+)\1$/) ?? [];
      el.append(mark ? add(el, mark === '`' ? 'code' : 'strong', '', inside) : piece);
    }
  }
}
