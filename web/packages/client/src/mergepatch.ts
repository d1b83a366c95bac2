import type { Pointer } from './document.ts';
import { equal } from './equal.ts';
import type { Json, JsonObject } from './json.ts';
import { isObject, joinPointer, maxTokens, member } from './pointer.ts';

/** A merge patch (RFC 7396). Nulls inside arrays are values. */
export function mergePatch(value: Json | undefined, patch: Json): Json {
  if (!isObject(patch)) return patch;
  const out: Record<string, Json> = isObject(value) ? { ...value } : {};
  for (const [key, wanted] of Object.entries(patch)) {
    if (wanted === null) delete out[key];
    else out[key] = mergePatch(member(out, key), wanted);
  }
  return out;
}

/**
 * A merge patch as edits of the present value, undefined meaning unset (E6). They name no member that is already so, and
 * enter objects as far as they are there or missing.
 */
export function mergeEdits(value: JsonObject, patch: JsonObject): Map<Pointer, Json | undefined> {
  const edits = new Map<Pointer, Json | undefined>();
  merge(edits, '', 1, value, patch);
  return edits;
}

/** Tells whether the patch sets anything. */
function merge(
  edits: Map<Pointer, Json | undefined>,
  at: Pointer,
  depth: number,
  value: JsonObject | undefined,
  patch: JsonObject,
): boolean {
  let sets = false;
  for (const [key, wanted] of Object.entries(patch)) {
    const now = member(value, key);
    const path = joinPointer(at, key);
    if (wanted === null) {
      if (now !== undefined) edits.set(path, undefined);
      continue;
    }
    sets = true;
    if (isObject(wanted) && (now === undefined || isObject(now)) && depth < maxTokens) {
      if (!merge(edits, path, depth + 1, now, wanted) && now === undefined) edits.set(path, {});
      continue;
    }
    const whole = mergePatch(now, wanted);
    if (!equal(now, whole)) edits.set(path, whole);
  }
  return sets;
}
