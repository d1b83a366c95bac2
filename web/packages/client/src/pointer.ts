import type { Patch, Pointer } from './document.ts';
import { equal } from './equal.ts';
import { DashwireError } from './errors.ts';
import type { Json, JsonObject } from './json.ts';

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A record's own member: an id may be any name, `toString` too (D2). */
export function member<T>(record: Readonly<Record<string, T>> | undefined, key: string): T | undefined {
  return record && Object.hasOwn(record, key) ? record[key] : undefined;
}

/** The longest pointer that an op may name; what lies deeper is set with the value that holds it (D4). */
export const maxTokens = 31;

/** Names that no key and no id may have, since objects of JavaScript give them a meaning (D2, D4). */
const reserved: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype']);

/** Whether a text can be an id of a dashboard, widget, client, op or breakpoint (D2). */
export function isId(id: string): boolean {
  return /^[\w.:-]{1,128}$/.test(id) && !/^\.+$/.test(id) && !reserved.has(id);
}

/** Checks a pointer that an op names, and gives its decoded tokens. Throws `PATH` (E6) or `INVALID_VALUE` (D4). */
export function parsePointer(pointer: Pointer): readonly string[] {
  const refuse = (code: string, message: string, path = pointer): never => {
    throw new DashwireError(code, `${message}: ${JSON.stringify(pointer)}`, { path });
  };
  if (!pointer.startsWith('/')) refuse('PATH', 'write the path as a JSON Pointer, such as /config/unit');
  if (/~(?![01])/.test(pointer)) refuse('PATH', 'in a path ~ stands as ~0 and / as ~1');
  const all = tokens(pointer);
  if (all.length > maxTokens) {
    refuse('INVALID_VALUE', `a path has at most ${maxTokens} steps; set the value that holds it`);
  }
  for (const [i, token] of all.entries()) {
    if (!reserved.has(token) && !token.includes('\0')) continue;
    const upTo = `/${pointer
      .split('/')
      .slice(1, i + 2)
      .join('/')}`;
    refuse('INVALID_VALUE', 'this name cannot be a key; choose another', upTo);
  }
  return all;
}

/** The tokens of a pointer that is known to be good. */
export function tokens(pointer: Pointer): readonly string[] {
  return pointer
    .split('/')
    .slice(1)
    .map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
}

/** The pointer to the member `token` under `pointer`. */
export function joinPointer(pointer: Pointer, token: string): Pointer {
  return `${pointer}/${token.replaceAll('~', '~0').replaceAll('/', '~1')}`;
}

/** Whether `inner` is `outer` or lies under it. */
export function contains(outer: Pointer, inner: Pointer): boolean {
  return inner === outer || inner.startsWith(`${outer}/`);
}

export function parentOf(pointer: Pointer): Pointer {
  return pointer.slice(0, Math.max(pointer.lastIndexOf('/'), 0));
}

/** The value at a pointer, going through objects only; undefined if there is none. */
export function getAt(value: Json | undefined, pointer: Pointer): Json | undefined {
  for (const token of tokens(pointer)) value = isObject(value) ? member(value, token) : undefined;
  return value;
}

/** Whether a value can be set at a pointer: not through an array or a scalar. Missing parents are fine (E6). */
export function reaches(value: Json | undefined, pointer: Pointer): boolean {
  for (const token of tokens(pointer)) {
    if (value === undefined) return true;
    if (!isObject(value)) return false;
    value = member(value, token);
  }
  return true;
}

/**
 * The value with `to` at a pointer; missing parents are made. What does not change keeps its identity, and it comes back
 * itself if nothing does, or if the pointer leads through an array or a scalar.
 */
export function setAt(value: Json | undefined, pointer: Pointer, to: Json): Json | undefined {
  return put(value, tokens(pointer), 0, to);
}

/** The value without what is at a pointer; otherwise like {@link setAt}. */
export function unsetAt(value: Json | undefined, pointer: Pointer): Json | undefined {
  return put(value, tokens(pointer), 0, undefined);
}

function put(value: Json | undefined, path: readonly string[], at: number, to: Json | undefined): Json | undefined {
  const key = path[at];
  if (key === undefined) return equal(value, to) ? value : to;
  if (value === undefined ? to === undefined : !isObject(value)) return value;
  const was = value && member(value as JsonObject, key);
  const now = put(was, path, at + 1, to);
  if (now === was) return value;
  if (now !== undefined) return { ...(value as JsonObject | undefined), [key]: now };
  const { [key]: _, ...rest } = value as JsonObject;
  return rest;
}

/** What a patch asks at each path; undefined means unset. */
export function editsIn({ set = {}, unset = [] }: Patch): readonly (readonly [Pointer, Json | undefined])[] {
  return [...Object.entries(set), ...unset.map((path) => [path, undefined] as const)];
}

/**
 * The same of a patch that comes from outside. Throws `PATH` or `INVALID_VALUE` for a bad pointer, and for one that equals
 * another or lies under it (E6).
 */
export function editsOf(patch: Patch): Map<Pointer, Json | undefined> {
  const edits = new Map<Pointer, Json | undefined>();
  for (const [path, value] of editsIn(patch)) {
    parsePointer(path);
    if (edits.has(path)) throw twice(path);
    edits.set(path, value);
  }
  for (const path of edits.keys()) {
    for (let above = parentOf(path); above; above = parentOf(above)) if (edits.has(above)) throw twice(path);
  }
  return edits;
}

function twice(path: Pointer): DashwireError {
  return new DashwireError('PATH', `one op names ${path} twice, or one above it`, { path });
}

/** The other way round of {@link editsIn}; paths are sorted, and what would be empty is left out. */
export function patchOf(edits: ReadonlyMap<Pointer, Json | undefined>): Patch {
  const set: Record<Pointer, Json> = {};
  const unset: Pointer[] = [];
  for (const path of [...edits.keys()].sort()) {
    const value = edits.get(path);
    if (value === undefined) unset.push(path);
    else set[path] = value;
  }
  return { ...(Object.keys(set).length > 0 && { set }), ...(unset.length > 0 && { unset }) };
}

/** The values seen at some paths, as an op has them (M3): what is absent there has none, and without any there is no member. */
export function prevAt(
  paths: Iterable<Pointer>,
  seen: (path: Pointer) => Json | undefined,
): { readonly prev?: Readonly<Record<Pointer, Json>> } {
  const prev: Record<Pointer, Json> = {};
  for (const path of paths) {
    const value = seen(path);
    if (value !== undefined) prev[path] = value;
  }
  return Object.keys(prev).length > 0 ? { prev } : {};
}
