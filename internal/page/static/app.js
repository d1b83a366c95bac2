// The page: tiles on a grid that several people edit at once.
import { bottom, get, main, settle } from './doc.js';
import { add, drawers } from './tiles.js';
import { claimClientId, Sync } from './sync.js';
import { time } from './chart.js';

const $ = (id) => document.getElementById(id), grid = $('grid'), root = document.documentElement;
const hues = ['#3564d4', '#b3541e', '#0f7b6c', '#a2408f', '#7a5c00', '#c03548', '#5b4fc7', '#2f7d32'];
const user = (localStorage.user ??= ['Calm Heron', 'Bright Otter', 'Quick Lynx', 'Kind Finch', 'Wise Hare'][Math.floor(Math.random() * 5)]);
const color = hues[[...user].reduce((sum, c) => sum + c.charCodeAt(0), 0) % hues.length];
const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
const initials = (name) => name.split(' ').map((word) => word[0]).join('').slice(0, 2);
const tiles = new Map(); // by widget: {el, body, key, take, at}
let drag = null; // the gesture going on: {id, by}
let began = null; // what the edit in the focused field is based on: version and value
let decided = null, due = 0; // what drawDecisions has drawn; the frame in which render is called
const changed = () => { due ||= requestAnimationFrame(() => { due = 0; render(); }); };
const fade = [{ opacity: 1, pointerEvents: 'auto' }, { opacity: 1, pointerEvents: 'auto', offset: 0.9 }, { opacity: 0 }];
const say = (text, deleted = '') => { $('said').textContent = text; $('undo').value = deleted; $('notice').animate(fade, 8000); };
const sync = new Sync({ clientId: await claimClientId(), user, changed, fed: feed, told: say });
const present = (widgetId, mode) => sync.present({ name: user, color, widgetId, mode });
const readOnly = () => sync.status[1] === 'Read only';
const idOf = (el) => el.closest('[data-id]')?.dataset.id;
const titleOf = (id) => sync.view?.widgets[id]?.title ?? id ?? 'Dashboard';
function render() {
  const [status, words] = sync.status, doc = sync.view, widgets = doc?.widgets ?? {};
  $('status').dataset.status = status;
  if ($('words').textContent !== words) $('words').textContent = words;
  document.body.className = `${sync.state} ${readOnly() ? 'readonly' : ''}`;
  $('problem').textContent = doc && !Object.keys(widgets).length ? 'Nothing here yet: add the first tile.' : sync.problem;
  if (doc || sync.problem) grid.querySelectorAll('.skeleton').forEach((el) => el.remove());
  for (const [id, { el }] of tiles) if (!widgets[id]) el.remove(), tiles.delete(id);
  const { items } = main(doc), rank = (id) => (items[id]?.y ?? 1e6) * 1000 + (items[id]?.x ?? 0);
  for (const id of Object.keys(widgets).sort((a, b) => rank(a) - rank(b))) drawTile(id, widgets[id]); // Tab goes by this order
  for (const field of document.querySelectorAll('[name^="/"]')) if (field !== document.activeElement || field.readOnly) show(field);
  document.title = `${$('title').value} · Dashwire`;
  grid.dataset.version = doc?.version ?? '';
  [place, drawPeople, drawDecisions].forEach((draw) => draw());
}
/** A field with a pointer as its name shows that value: of its widget, else of the settings. */
const valueOf = (field) => get(idOf(field) ? sync.view?.widgets[idOf(field)] : sync.view?.settings, field.name);
const show = (field) => { field.value = valueOf(field) ?? (field.name === '/title' ? (idOf(field) ?? sync.id) : ''); };
function drawTile(id, { type = 'nothing', title = id, config = {} }) {
  if (!tiles.has(id)) {
    const el = $('tile').content.firstElementChild.cloneNode(true);
    tiles.set(id, { el, body: el.querySelector('.body') });
    el.dataset.id = id;
    grid.append(el);
  }
  const tile = tiles.get(id), key = JSON.stringify([type, config]), known = Object.hasOwn(drawers, type);
  tile.el.ariaLabel = title;
  if (tile.key === key) return;
  tile.body.remove();
  const body = add(tile.el, 'div', `body ${known ? type : 'unknown'}`);
  Object.assign(tile, { key, body, take: known && drawers[type](body, config) });
  if (!known) add(body, 'p', '', `This page cannot draw tiles of type “${type}”. It is kept as it is.`);
  for (const t of config.grafana?.targets ?? []) add(body, 'code', 'query', String(t.expr ?? t.query ?? t.rawSql ?? ''));
  feed(id);
}
function feed(id) {
  const { el, take } = tiles.get(id) ?? {}, value = sync.values.get(id);
  if (value !== undefined) take?.(value);
  el?.classList.toggle('waiting', Boolean(take) && value === undefined);
}
/** Puts the tiles where they are; one being dragged is where it would be dropped. */
function place() {
  const { columns, items } = main(sync.view), now = drag ? settle(items, { [drag.id]: drag.by }) : items, moved = [];
  grid.style.setProperty('--columns', columns);
  for (const [id, tile] of tiles) {
    const { x, y, w, h } = now[id] ?? { x: 0, y: bottom(now), w: 6, h: 4 }, at = `${y + 1} / ${x + 1} / span ${h} / span ${w}`;
    if (tile.at === at) continue;
    if (tile.at && drag?.id !== id) moved.push([tile.el, tile.el.getBoundingClientRect()]);
    Object.assign(tile.el.style, { gridArea: (tile.at = at), order: y * columns + x });
    tile.el.style.setProperty('--rows', h);
  }
  for (const [el, was] of moved) {
    const is = el.getBoundingClientRect(), from = { translate: `${was.x - is.x}px ${was.y - is.y}px` };
    el.animate([from, { translate: '0 0' }], { duration: calm ? 0 : 150, easing: 'ease-out' });
  }
}
function drawPeople() {
  for (const { el } of tiles.values()) delete el.dataset.who;
  $('people').replaceChildren(...[...sync.people.values()].filter((who) => who.sessionId !== sync.sessionId).map(({ userId, state }) => {
    const name = String(state?.name ?? userId ?? 'Somebody'), tile = state?.mode && tiles.get(state.widgetId)?.el;
    const face = add($('people'), 'li', 'face', initials(name));
    face.title = tile ? `${name}, at ${titleOf(state.widgetId)}` : name;
    face.style.background = /^#[0-9a-f]{6}$/i.test(state?.color) ? state.color : hues[0];
    tile?.style.setProperty('--who', face.style.background);
    if (tile) tile.dataset.who = name;
    return face;
  }));
}
/** The side sheet of what needs a person: conflicts with both values, and what the server refused. */
function drawDecisions() {
  if (decided === (decided = sync.stuck)) return; // what a person is about to click stays where it is
  for (const [id, { el }] of tiles) el.querySelector('.decide').textContent = sync.stuck.filter((s) => s.op.payload.widgetId === id).length || '';
  $('decide').replaceChildren(...sync.stuck.map((item) => {
    const { op, conflictId, kind, fields = [], message } = item, box = add($('decide'), 'article');
    const button = (label, choice) => { add(box, 'button', '', label).onclick = () => sync.settle(item, choice); };
    add(box, 'h3', '', titleOf(op.payload.widgetId));
    add(box, 'p', '', message ?? { deleted: 'Deleted while you changed it.', changed: 'Changed while you deleted it.' }[kind]);
    for (const { path, base, mine, theirs, theirsBy } of fields) {
      add(box, 'h4', '', path.split('/').at(-1));
      for (const [label, value] of [['was', base], ['yours', mine], [`by ${theirsBy?.userId ?? 'others'}`, theirs]]) {
        add(add(box, 'p', 'value', label), 'q', '', typeof value === 'string' ? value : (JSON.stringify(value) ?? 'nothing'));
      }
    }
    if (conflictId) button('Keep mine', 'mine');
    button(conflictId ? 'Take theirs' : 'Drop it', 'theirs');
    return box;
  }));
}
/** Opens a part of the side sheet, or closes it. */
function turn(part, id) {
  $('sheet').dataset.open = part;
  if (id) $('options').dataset.id = id;
  render();
}
/** A rectangle that a gesture of so many columns and rows asks for, within the grid. */
function aim(id, resize, dx, dy) {
  const { columns, items: { [id]: r } } = main(sync.view), within = (n, low, high) => Math.min(Math.max(n, low), high);
  if (resize) return { w: within(r.w + dx, 1, columns - r.x), h: within(r.h + dy, 1, 1000) };
  return { x: within(r.x + dx, 0, columns - r.w), y: within(r.y + dy, 0, 100_000) };
}

grid.addEventListener('pointerdown', (down) => {
  const id = idOf(down.target), resize = down.target.matches('.corner');
  if (down.button || readOnly() || innerWidth < 720 || !(resize || down.target.matches('.tile > header, .title:read-only'))) return;
  const { el } = tiles.get(id), base = sync.base(), { columns, items: { [id]: was } } = main(sync.view), stop = new AbortController();
  const column = (grid.clientWidth + 8) / columns, on = (type, call) => addEventListener(type, call, { signal: stop.signal });
  const end = (e) => {
    const by = e.type === 'pointerup' && drag?.by;
    stop.abort();
    drag = null;
    el.classList.remove('dragged');
    present();
    if (by) sync.submit('LAYOUT_UPDATE', { moved: { [id]: by } }, base);
    place();
  };
  on('pointermove', (e) => {
    const x = e.pageX - down.pageX, y = e.pageY - down.pageY;
    if (!drag && Math.hypot(x, y) < 4) return;
    if (!drag) present(id, 'drag');
    const by = aim(id, resize, Math.round(x / column), Math.round(y / 32));
    drag = { id, by };
    el.classList.add('dragged');
    el.style.setProperty('--x', `${resize ? 0 : x - (by.x - was.x) * column}px`);
    el.style.setProperty('--y', `${resize ? 0 : y - (by.y - was.y) * 32}px`);
    place();
  });
  for (const type of ['pointerup', 'pointercancel', 'keydown']) on(type, (e) => (e.key ?? 'Escape') === 'Escape' && end(e));
});
const arrows = { ArrowLeft: [-1, 0], ArrowRight: [1, 0], ArrowUp: [0, -1], ArrowDown: [0, 1] };
const keys = { Enter: (id) => rename(tiles.get(id).el.querySelector('.title')), Delete: (id) => remove(id), o: (id) => turn('options', id) };
grid.addEventListener('keydown', (e) => {
  const { id } = e.target.dataset;
  if (id && !readOnly()) keys[e.key]?.(id);
  if (!id || readOnly() || !arrows[e.key]) return;
  e.preventDefault();
  sync.submit('LAYOUT_UPDATE', { moved: { [id]: aim(id, e.shiftKey, ...arrows[e.key]) } });
  const { x, y, w, h } = main(sync.view).items[id];
  say(`${titleOf(id)}: column ${x + 1}, row ${y + 1}, ${w} wide, ${h} high`);
});
grid.addEventListener('dblclick', ({ target }) => target.closest('.tile > header') && rename(target.closest('header').firstElementChild));

const remove = (id) => { turn(''); say(`Deleted ${titleOf(id)}.`, id); sync.submit('WIDGET_DELETE', { widgetId: id }); };
const rename = (field) => { field.readOnly = readOnly(); field.focus(); field.select(); };
// A field with a pointer as its name is sent when it is left.
const onField = (type, call) => document.addEventListener(type, (e) => e.target.name?.startsWith('/') && !e.target.readOnly && call(e.target, e));
onField('focusin', (field) => { began = { ...sync.base(), prev: { [field.name]: valueOf(field) } }; present(idOf(field), 'edit'); });
onField('focusout', (field) => { field.readOnly = field.matches('.title'); present(); changed(); });
onField('change', (field) => {
  const widgetId = idOf(field), value = field.type === 'number' ? field.valueAsNumber : field.value;
  const change = field.value === '' ? { unset: [field.name] } : { set: { [field.name]: value } };
  sync.submit(widgetId ? 'WIDGET_UPDATE' : 'DASHBOARD_UPDATE', { widgetId, ...change }, began);
});
onField('keydown', (field, { key }) => {
  if (key === 'Escape') show(field);
  if (key === 'Escape' || (key === 'Enter' && field.matches('input'))) field.blur();
});
addEventListener('keydown', ({ key, target }) => key === '?' && !target.matches('input, textarea') && $('menu').togglePopover());
addEventListener('click', ({ target }) => {
  const button = target.closest('[data-turn]');
  if (button) turn(button.dataset.turn, idOf(button));
});
$('undo').onclick = ({ target }) => sync.submit('WIDGET_UPDATE', { widgetId: target.value, restore: true });
$('delete').onclick = () => remove($('options').dataset.id);
$('adding').onclick = ({ target: { value: type, title } }) => {
  if (!type) return;
  const widgetId = `${type}-${Date.now().toString(36)}`, y = bottom(main(sync.view).items), [w, h] = { stat: [4, 4], gauge: [5, 7] }[type] ?? [12, 8];
  sync.submit('WIDGET_UPDATE', { widgetId, create: true, layout: { x: 0, y, w, h, static: false }, set: { '/type': type, '/title': title } });
  turn('options', widgetId);
  tiles.get(widgetId).el.scrollIntoView({ block: 'center' });
};
// The bar: dashboards, the time shown, name and colours.
$('boards').addEventListener('toggle', async () => {
  const { dashboards } = await (await fetch('api/dashboards')).json();
  $('list').replaceChildren();
  for (const { id, title } of dashboards) add(add($('list'), 'li'), 'a', id === sync.id ? 'here' : '', title ?? id).href = `#${id}`;
});
$('list').onclick = () => $('boards').hidePopover();
$('create').onchange = ({ target }) => {
  location.hash = `${target.value.toLowerCase().replace(/[^a-z0-9]+/g, '-')}-${Date.now().toString(36)}`.replace(/^-+/, '');
  sync.submit('DASHBOARD_UPDATE', { dashboardId: location.hash.slice(1), set: { '/title': target.value } }, {});
  target.value = '';
};
Object.assign($('user'), { value: user, onchange: (e) => { localStorage.user = e.target.value || user; location.reload(); } });
document.querySelector(`[name=theme][value=${root.dataset.theme}]`).checked = true;
$('theme').onchange = ({ target }) => { root.dataset.theme = localStorage.theme = target.value; };
$('span').onchange = ({ target }) => { time.span = target.value * 60_000; };
Object.assign($('me'), { textContent: initials(user) }).style.background = color;
$('status').onclick = () => (sync.stuck.length ? turn('decide') : sync.wake());
addEventListener('beforeunload', (e) => (sync.ops.length || sync.stuck.length) && e.preventDefault());
const openHash = () => sync.open(decodeURIComponent(location.hash.slice(1)) || 'machine');
addEventListener('hashchange', openHash);
openHash();
present();
sync.connect();
setInterval(() => requestAnimationFrame(() => {
  time.offset = sync.clockOffset ?? 0;
  for (const { el, body } of tiles.values()) if (el.getBoundingClientRect().y < innerHeight) body.frame?.();
}), calm ? 1000 : 40);
