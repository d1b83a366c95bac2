import {
  type DashboardDocument,
  equal,
  type Json,
  type JsonObject,
  type Layout,
  type Pointer,
  type Rectangle,
} from '@dashwire/client';
import { titleOf } from '../grid/tile-name.ts';

/** One field that is not what it was; undefined = it was, or is, not there. */
export interface FieldDifference {
  readonly path: Pointer;
  readonly was: Json | undefined;
  readonly is: Json | undefined;
}

export interface WidgetDifference {
  readonly id: string;
  /** What it is called now, or was called. */
  readonly title: string;
  /** `removed`: it was there and is not; `added`: it is there and was not. */
  readonly kind: 'added' | 'removed' | 'changed' | 'moved';
  readonly fields: readonly FieldDifference[];
  readonly place: { readonly was: Rectangle; readonly is: Rectangle } | null;
}

/** What has become of a dashboard since one of its versions. */
export interface Differences {
  readonly settings: readonly FieldDifference[];
  /** Changed first, then removed, added, moved. */
  readonly widgets: readonly WidgetDifference[];
  /** `columns` and `compact` of the grid. */
  readonly grid: readonly FieldDifference[];
  /** Other breakpoints whose layout is another one. */
  readonly breakpoints: readonly string[];
}

type Compared = Pick<DashboardDocument, 'settings' | 'widgets' | 'layouts'>;

const order: readonly WidgetDifference['kind'][] = ['changed', 'removed', 'added', 'moved'];

/** Compares two versions of one dashboard. Names of versions do not count: a restore keeps them. */
export function differencesOf(was: Compared, is: Compared): Differences {
  const widgets: WidgetDifference[] = [];
  for (const id of new Set([...Object.keys(was.widgets), ...Object.keys(is.widgets)])) {
    const difference = widgetDifference(id, was, is);
    if (difference !== null) widgets.push(difference);
  }
  widgets.sort((a, b) => order.indexOf(a.kind) - order.indexOf(b.kind) || a.title.localeCompare(b.title));
  return {
    settings: fieldsOf(without(was.settings, 'versions'), without(is.settings, 'versions')),
    widgets,
    grid: fieldsOf(gridOf(was.layouts.main), gridOf(is.layouts.main)),
    breakpoints: [...new Set([...Object.keys(was.layouts), ...Object.keys(is.layouts)])].filter(
      (name) => name !== 'main' && !sameLayout(own(was.layouts, name), own(is.layouts, name)),
    ),
  };
}

/** True: a restore would change nothing. */
export function isSame({ settings, widgets, grid, breakpoints }: Differences): boolean {
  return settings.length + widgets.length + grid.length + breakpoints.length === 0;
}

function widgetDifference(id: string, was: Compared, is: Compared): WidgetDifference | null {
  const before = own(was.widgets, id);
  const after = own(is.widgets, id);
  const title = titleOf(after ?? before, id);
  if (after === undefined) return { id, title, kind: 'removed', fields: [], place: null };
  if (before === undefined) return { id, title, kind: 'added', fields: [], place: null };
  const fields = before === after ? [] : fieldsOf(before, after);
  const stood = own(was.layouts.main?.items ?? {}, id);
  const stands = own(is.layouts.main?.items ?? {}, id);
  const place = stood && stands && !samePlace(stood, stands) ? { was: stood, is: stands } : null;
  if (fields.length === 0 && place === null) return null;
  return { id, title, kind: fields.length > 0 ? 'changed' : 'moved', fields, place };
}

/** The fields in which two objects differ, as deep as both are objects; an array is one value (M5). */
export function fieldsOf(was: JsonObject, is: JsonObject, path: Pointer = ''): readonly FieldDifference[] {
  const found: FieldDifference[] = [];
  for (const key of new Set([...Object.keys(was), ...Object.keys(is)])) {
    const at = `${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
    const before = own(was, key);
    const after = own(is, key);
    if (before === after) continue;
    if (isObject(before) && isObject(after)) found.push(...fieldsOf(before, after, at));
    else if (before === undefined || after === undefined || !equal(before, after)) {
      found.push({ path: at, was: before, is: after });
    }
  }
  return found;
}

function gridOf(layout: Layout | undefined): JsonObject {
  return layout === undefined ? {} : { columns: layout.columns, compact: layout.compact };
}

function sameLayout(a: Layout | undefined, b: Layout | undefined): boolean {
  if (a === b) return true;
  if (a === undefined || b === undefined || a.columns !== b.columns || a.compact !== b.compact) return false;
  const ids = Object.keys(a.items);
  if (ids.length !== Object.keys(b.items).length) return false;
  return ids.every((id) => {
    const [stood, stands] = [a.items[id], own(b.items, id)];
    return stood !== undefined && stands !== undefined && samePlace(stood, stands);
  });
}

function samePlace(a: Rectangle, b: Rectangle): boolean {
  return a.x === b.x && a.y === b.y && a.w === b.w && a.h === b.h && a.static === b.static;
}

function without(object: JsonObject, key: string): JsonObject {
  const { [key]: _, ...rest } = object;
  return rest;
}

/** An id or a key may be any name, `toString` too. */
function own<T>(record: Readonly<Record<string, T>>, key: string): T | undefined {
  return Object.hasOwn(record, key) ? record[key] : undefined;
}

function isObject(value: Json | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** The same document, with those widgets that are equal to another one's being that one's: what did not change is not drawn anew. */
export function sharing(document: DashboardDocument, other: DashboardDocument | null): DashboardDocument {
  if (other === null) return document;
  const widgets = Object.fromEntries(
    Object.entries(document.widgets).map(([id, widget]) => {
      const same = own(other.widgets, id);
      return [id, same !== undefined && equal(same, widget) ? same : widget];
    }),
  );
  return { ...document, widgets };
}
