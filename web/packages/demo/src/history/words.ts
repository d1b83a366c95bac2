import type { Change, Entry, Json, LayoutChange, Patch, Pointer, Widget } from '@dashwire/client';
import { count } from '../import/words.ts';

/** What a widget is called. Entries do not say it, so it comes from the document and from other entries. */
export type TitleOf = (widgetId: string) => string;

type EntryWords = Pick<Entry, 'type' | 'version' | 'change'>;
type WidgetChange = Patch | { readonly value: Widget } | null;

/** An entry in words: `Renamed a tile to “CPU load”`. */
export function wordsOf({ type, version, change }: EntryWords, titleOf: TitleOf): string {
  switch (type) {
    case 'DASHBOARD_DELETE':
      return 'Deleted the dashboard';
    case 'LAYOUT_RESTORE':
      return 'Restored an earlier layout';
    case 'CONFLICT_RESOLVED':
      return `Settled a conflict: ${clausesOf(change, titleOf).join(', ') || 'left as it was'}`;
    default: {
      const added = Object.values(change.widgets ?? {}).filter(isWhole).length;
      if (version === 1 && type === 'WIDGET_BATCH' && change.settings !== undefined) {
        return added === 0 ? 'Made the dashboard' : `Made the dashboard, with ${count(added, 'tile')}`;
      }
      const words = joined(clausesOf(change, titleOf));
      return words === '' ? 'Saved without a change that shows' : words.charAt(0).toUpperCase() + words.slice(1);
    }
  }
}

/** The titles that an entry gives to widgets. */
export function titlesIn({ widgets = {} }: Change): readonly (readonly [id: string, title: string])[] {
  const titles: (readonly [string, string])[] = [];
  for (const [id, change] of Object.entries(widgets)) {
    const title = isWhole(change) ? change.value.title : change?.set?.['/title'];
    if (typeof title === 'string' && title.trim() !== '') titles.push([id, title]);
  }
  return titles;
}

function clausesOf({ settings, widgets = {}, layouts = {} }: Change, titleOf: TitleOf): readonly string[] {
  const all = Object.entries(widgets);
  const ids = (is: (change: WidgetChange) => boolean) => all.filter(([, change]) => is(change)).map(([id]) => id);
  const added = ids(isWhole);
  const deleted = ids((change) => change === null);
  const patched = ids(isPatch);
  const clauses = settings === undefined ? [] : settingsWords(settings);
  const [only] = patched;
  if (added.length > 0) {
    // What it was called then, whatever it is called now.
    const then = new Map(titlesIn({ widgets }));
    clauses.push(`added ${named(added, (id) => then.get(id) ?? titleOf(id))}`);
  }
  if (deleted.length > 0) clauses.push(`deleted ${named(deleted, titleOf)}`);
  const patch = only === undefined ? null : (widgets[only] ?? null);
  if (only !== undefined && patched.length === 1 && isPatch(patch)) clauses.push(patchWords(patch, titleOf(only)));
  else if (patched.length > 0) clauses.push(`changed ${named(patched, titleOf)}`);
  // What comes and goes takes others along; that need not be said.
  if (added.length + deleted.length === 0) {
    for (const [name, layout] of Object.entries(layouts)) clauses.push(...layoutWords(name, layout, titleOf));
  }
  return clauses;
}

function patchWords(patch: Patch, title: string): string {
  const paths = pathsOf(patch);
  const name = patch.set?.['/title'];
  if (paths.length === 1 && typeof name === 'string') return `renamed a tile to “${name}”`;
  const type = patch.set?.['/type'];
  if (typeof type === 'string') return `made ${title} a “${type}”`;
  return `changed ${title}: ${fields(paths)}`;
}

function settingsWords(patch: Patch): string[] {
  const clauses: string[] = [];
  const others: Pointer[] = [];
  for (const path of pathsOf(patch)) {
    const version = /^\/versions\/(\d+)$/.exec(path)?.[1];
    const value: Json | undefined = patch.set?.[path];
    if (version !== undefined) {
      const name = nameOf(value);
      clauses.push(name === undefined ? `took the name off version ${version}` : `named version ${version} “${name}”`);
    } else if (path === '/title' && typeof value === 'string') clauses.push(`renamed the dashboard to “${value}”`);
    else others.push(path);
  }
  if (others.length > 0) clauses.push(`changed the dashboard: ${fields(others)}`);
  return clauses;
}

function layoutWords(name: string, change: LayoutChange | null, titleOf: TitleOf): readonly string[] {
  const where = name === 'main' ? '' : ` on “${name}”`;
  if (change === null) return [`removed the layout “${name}”`];
  const clauses: string[] = [];
  if (change.columns !== undefined) clauses.push(`set the grid to ${count(change.columns, 'column')}${where}`);
  if (change.compact !== undefined) {
    clauses.push(`${change.compact === 'vertical' ? 'closed gaps between tiles' : 'left gaps between tiles'}${where}`);
  }
  const moved = Object.keys(change.items ?? {});
  if (moved.length > 0) clauses.push(`moved ${named(moved, titleOf)}${where}`);
  return clauses;
}

/** `CPU`, `CPU and Memory`, `5 tiles`. */
function named(ids: readonly string[], titleOf: TitleOf): string {
  return ids.length <= 2 ? joined(ids.map(titleOf)) : count(ids.length, 'tile');
}

/** A path as a person reads it: `/config/unit` is `unit`. */
export function fieldName(path: Pointer): string {
  const tokens = path
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  const shown = tokens[0] === 'config' && tokens.length > 1 ? tokens.slice(1) : tokens;
  return shown.join(' › ') || 'everything';
}

function fields(paths: readonly Pointer[]): string {
  const names = [...new Set(paths.map(fieldName))];
  const shown = names.slice(0, 3).join(', ');
  return names.length > 3 ? `${shown} and ${names.length - 3} more` : shown;
}

function joined(words: readonly string[]): string {
  return words.length < 2 ? (words[0] ?? '') : `${words.slice(0, -1).join(', ')} and ${words.at(-1)}`;
}

function pathsOf({ set = {}, unset = [] }: Patch): readonly Pointer[] {
  return [...Object.keys(set), ...unset];
}

function nameOf(value: Json | undefined): string | undefined {
  if (typeof value !== 'object' || value === null || !('name' in value)) return undefined;
  return typeof value.name === 'string' ? value.name : undefined;
}

function isWhole(change: WidgetChange): change is { readonly value: Widget } {
  return change !== null && 'value' in change;
}

function isPatch(change: WidgetChange): change is Patch {
  return change !== null && !('value' in change);
}
