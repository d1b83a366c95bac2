import type { Change, DashboardDocument, Layout, LayoutChange, Patch, Rectangle, Widget } from './document.ts';
import { equal } from './equal.ts';
import type { Json, JsonObject } from './json.ts';
import { contains, editsIn, getAt, member, parentOf, patchOf, setAt, unsetAt } from './pointer.ts';
import { emptyLayout, equalRectangles } from './rectangle.ts';

/**
 * The document after a change (E7). `version` and `epoch` stay as they are. What does not change keeps its identity, down
 * to each value and rectangle; if nothing does the document comes back itself.
 */
export function applyChange(document: DashboardDocument, change: Change): DashboardDocument {
  const { widgets: changed = {} } = change;
  const settings = change.settings ? (patched(document.settings, change.settings) as JsonObject) : document.settings;
  const widgets = withMembers<Widget>(
    document.widgets,
    Object.entries(changed).map(([id, w]) => [id, widgetAfter(member(document.widgets, id), w)]),
  );
  let layouts = withMembers<Layout>(
    document.layouts,
    Object.entries(change.layouts ?? {}).map(([name, l]) => [
      name,
      l ? layoutAfter(member(document.layouts, name), l) : undefined,
    ]),
  );
  const deleted = Object.keys(changed).filter((id) => changed[id] === null);
  if (deleted.length > 0) {
    layouts = withMembers(
      layouts,
      Object.entries(layouts).map(([name, l]) => [name, withoutItems(l, deleted)]),
    );
  }
  if (settings === document.settings && widgets === document.widgets && layouts === document.layouts) return document;
  return { ...document, settings, widgets, layouts };
}

/** The record with these members, undefined taking one away; the same record if that changes nothing. */
export function withMembers<T>(
  record: Readonly<Record<string, T>>,
  members: Iterable<readonly [string, T | undefined]>,
): Readonly<Record<string, T>> {
  let copy: Record<string, T> | undefined;
  for (const [key, value] of members) {
    if (value === member(copy ?? record, key)) continue;
    copy ??= { ...record };
    if (value === undefined) delete copy[key];
    else copy[key] = value;
  }
  return copy ?? record;
}

function widgetAfter(widget: Widget | undefined, change: Patch | { readonly value: Widget } | null) {
  if (change === null) return undefined;
  if ('value' in change) return equal(widget, change.value) ? widget : change.value;
  return widget && (patched(widget, change) as Widget);
}

/**
 * A value with a patch as a change holds it: unsetting makes missing parents as setting does. That matters in a composed
 * change alone, where what was set and then unset has left its parents behind.
 */
export function patched(value: Json | undefined, { set = {}, unset = [] }: Patch): Json | undefined {
  for (const path of unset) value = unsetAt(value, path);
  for (const [path, to] of Object.entries(set)) value = setAt(value, path, to);
  for (const path of unset) {
    const parent = parentOf(path);
    if (getAt(value, parent) === undefined) value = setAt(value, parent, {});
  }
  return value;
}

function layoutAfter(layout: Layout | undefined, change: LayoutChange): Layout {
  const was = layout ?? emptyLayout;
  const items = withMembers<Rectangle>(
    was.items,
    Object.entries(change.items ?? {}).map(([id, r]) => {
      const now = member(was.items, id);
      return [id, r === null ? undefined : equalRectangles(now, r) ? now : r];
    }),
  );
  const { columns = was.columns, compact = was.compact } = change;
  return layout && items === was.items && columns === was.columns && compact === was.compact
    ? layout
    : { columns, compact, items };
}

function withoutItems(layout: Layout, ids: readonly string[]): Layout {
  const items = withMembers(
    layout.items,
    ids.map((id) => [id, undefined]),
  );
  return items === layout.items ? layout : { ...layout, items };
}

/** One change with the effect of both, one after the other, on every document that the first applies to (E7). */
export function composeChanges(first: Change, second: Change): Change {
  const settings = composePatches(first.settings, second.settings);
  const widgets = composeRecords(first.widgets, second.widgets, composeWidgets);
  let layouts = composeRecords(first.layouts, second.layouts, composeLayouts);
  // Places that a widget was given before it was deleted. A breakpoint made anew since does not say that it has none.
  const deleted = Object.keys(second.widgets ?? {}).filter((id) => second.widgets?.[id] === null);
  if (layouts && deleted.length > 0) {
    layouts = withMembers(
      layouts,
      Object.entries(layouts).map(([name, l]) => [name, l?.items ? withoutPlaces(l, l.items, deleted) : l]),
    );
  }
  return { ...(settings && { settings }), ...(widgets && { widgets }), ...(layouts && { layouts }) };
}

function composeRecords<T>(
  first: Readonly<Record<string, T>> | undefined,
  second: Readonly<Record<string, T>> | undefined,
  compose: (first: T, second: T) => T,
): Readonly<Record<string, T>> | undefined {
  if (!first || !second) return first ?? second;
  return withMembers(
    first,
    Object.entries(second).map(([key, b]) => [key, Object.hasOwn(first, key) ? compose(first[key] as T, b) : b]),
  );
}

type WidgetChange = Patch | { readonly value: Widget } | null;

function composeWidgets(first: WidgetChange, second: WidgetChange): WidgetChange {
  if (second === null || 'value' in second) return second;
  if (first === null) return null; // a patch of what is not there has no effect
  return 'value' in first ? { value: patched(first.value, second) as Widget } : (composePatches(first, second) ?? {});
}

function composeLayouts(first: LayoutChange | null, second: LayoutChange | null): LayoutChange | null {
  // A breakpoint that is removed and made again has all widgets both times: the later change says it all.
  if (!first || !second) return second;
  return { ...first, ...second, ...(first.items && { items: { ...first.items, ...second.items } }) };
}

function withoutPlaces(layout: LayoutChange, items: NonNullable<LayoutChange['items']>, ids: readonly string[]) {
  const kept = withMembers(
    items,
    ids.filter((id) => member(items, id)).map((id) => [id, undefined]),
  );
  if (kept === items) return layout;
  const { items: _, ...grid } = layout;
  return Object.keys(kept).length > 0 ? { ...grid, items: kept } : grid;
}

/** The same of two patches of one value. */
export function composePatches(first: Patch | undefined, second: Patch | undefined): Patch | undefined {
  if (!first || !second) return first ?? second;
  const edits = new Map(editsIn(first));
  for (const [path, value] of editsIn(second)) {
    let above = parentOf(path);
    while (above && !edits.has(above)) above = parentOf(above);
    if (above) {
      const inside = path.slice(above.length);
      edits.set(
        above,
        patched(edits.get(above), value === undefined ? { unset: [inside] } : { set: { [inside]: value } }),
      );
      continue;
    }
    for (const under of edits.keys()) if (contains(path, under)) edits.delete(under);
    edits.set(path, value);
  }
  return patchOf(edits);
}
