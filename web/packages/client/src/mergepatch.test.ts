import { describe, expect, it } from 'vitest';
import vectors from '../../../../testdata/values.json' with { type: 'json' };
import { equal } from './equal.ts';
import type { Json, JsonObject } from './json.ts';
import { mergeEdits, mergePatch } from './mergepatch.ts';
import { patchOf } from './pointer.ts';

const cases = vectors.mergePatch as unknown as {
  description: string;
  value: JsonObject;
  patch: JsonObject;
  result: Json;
  set: object;
  unset: string[];
}[];

describe('merge patches', () => {
  it.each(cases)('E6 $description', (v) => {
    expect(mergePatch(v.value, v.patch)).toEqual(v.result);
    const { set = {}, unset = [] } = patchOf(mergeEdits(v.value, v.patch));
    expect([set, unset]).toEqual([v.set, v.unset]);
  });
  it('E6 takes keys that are names of Object.prototype', () => {
    expect(equal(mergePatch({}, { toString: { a: null } }), { toString: {} })).toBe(true);
  });
});
