// The dashboard as a value. Nothing here changes its arguments: an older document stays as it was.
const isObject = (v) => typeof v === 'object' && v !== null && !Array.isArray(v);
const keys = (pointer) => pointer.split('/').slice(1).map((k) => k.replaceAll('~1', '/').replaceAll('~0', '~'));
const member = (v, key) => (isObject(v) && Object.hasOwn(v, key) ? v[key] : undefined);
/** What a JSON Pointer leads to, undefined if there is nothing. */
export const get = (value, pointer) => keys(pointer).reduce(member, value);
const without = (nothing, object) => Object.fromEntries(Object.entries(object).filter(([, v]) => v !== nothing));
const put = (value, [key, ...rest], to) =>
  key === undefined ? to : without(undefined, { ...(isObject(value) && value), [key]: put(member(value, key), rest, to) });
function patch(value, { set = {}, unset = [] }) {
  for (const path of unset) value = put(value, keys(path));
  for (const path in set) value = put(value, keys(path), set[path]);
  return value;
}
function merge(into = {}, changes = {}, apply = (_, to) => to) {
  const changed = Object.entries(changes).map(([id, c]) => [id, c && apply(into[id], c)]);
  return without(null, { ...into, ...Object.fromEntries(changed) });
}
/** Layouts without the widgets that a change deletes: they leave every breakpoint. */
const kept = (layouts, widgets) => merge({}, layouts, (_, l) => ({ ...l, items: Object.fromEntries(Object.entries(l.items).filter(([id]) => widgets[id] !== null)) }));
/** The document after a change as entries, ranges and answers carry it (E7). */
export const applyChange = (doc, { settings = {}, widgets = {}, layouts } = {}) => ({
  ...doc,
  settings: patch(doc.settings, settings),
  widgets: merge(doc.widgets, widgets, (old, c) => ('value' in c ? c.value : patch(old, c))),
  layouts: merge(kept(doc.layouts, widgets), layouts, (old, l) => ({ ...old, ...l, items: merge(old?.items, l.items) })),
});
/** The layout that this page shows, and the first row below it. */
export const main = (doc) => doc?.layouts?.main ?? { columns: 24, items: {} };
export const bottom = (items) => Math.max(0, ...Object.values(items).map((r) => r.y + r.h));
/** What an op of this page asks for, as a change. Where the server makes something else of it, its answer says so (E7). */
export function changeOf(doc, { type, payload: { widgetId: id, set, unset, moved, create, layout } }) {
  const layouts = (asked) => ({ main: { items: settle(main(doc).items, asked) } });
  if (type === 'LAYOUT_UPDATE') return { layouts: layouts(moved) };
  if (type === 'WIDGET_DELETE') return { widgets: { [id]: null } };
  if (create) return { widgets: { [id]: { value: patch({}, { set }) } }, layouts: layouts({ [id]: layout }) };
  const value = id === undefined ? doc.settings : doc.widgets[id], edit = { set, unset: unset?.filter((path) => get(value, path) !== undefined) };
  return id === undefined ? { settings: edit } : value ? { widgets: { [id]: edit } } : {};
}
/** Rectangles with some of them moved, and the others out of their way; what is not in the way stays. */
export function settle(items, moved) {
  const done = [], all = Object.entries({ ...items, ...moved }).map(([id, r]) => ({ id, ...items[id], ...r })).filter((r) => r.w);
  for (const tile of all.sort((a, b) => (b.id in moved) - (a.id in moved) || a.y - b.y)) {
    const hits = (o) => tile.x < o.x + o.w && o.x < tile.x + tile.w && tile.y < o.y + o.h && o.y < tile.y + tile.h;
    for (let hit; (hit = done.find(hits));) tile.y = hit.y + hit.h;
    done.push(tile);
  }
  return Object.fromEntries(done.map(({ id, ...rectangle }) => [id, rectangle]));
}
