import type { Patch } from '../document.ts';
import { equal } from '../equal.ts';
import type { Clash } from '../item.ts';
import type { Json } from '../json.ts';
import type { ConflictField, ConflictPayload } from '../message.ts';
import type { BatchedOp, Op, OpFields } from '../operation.ts';
import { member } from '../pointer.ts';
import { resolution } from '../resolve.ts';
import { isLocked } from '../sealing.ts';
import type { Owner } from './place.ts';
import type { Vault } from './vault.ts';

/** A clashing field with its values opened. */
export function openField(
  vault: Vault,
  { dashboardId, widgetId }: Pick<ConflictPayload, 'dashboardId' | 'widgetId'>,
  field: ConflictField,
): ConflictField {
  const { base, mine, theirs, path } = field;
  const owner: Owner = { dashboardId, widgetId: widgetId ?? null };
  const open = (value: Json) => vault.open(value, owner, path);
  return {
    ...field,
    ...(base !== undefined && { base: open(base) }),
    ...(mine !== undefined && { mine: open(mine) }),
    ...(theirs !== undefined && { theirs: open(theirs) }),
  };
}

/**
 * The server compares what is sealed by its bytes, so that the same value sealed twice clashes there. By value (M3), equal
 * ones do not; nor does a value that another has only sealed anew, under another key for example. What is left waits for a
 * person; without anything left, the op is the one that goes out now.
 */
export function decide(vault: Vault, op: Op, clashes: readonly Clash[]): readonly [Op, readonly Clash[]] {
  let next = op;
  const open = clashes.map((clash): Clash => {
    const { payload, part } = clash;
    const taken = new Map<string, Json>();
    const { prev } = (op.type === 'WIDGET_BATCH' ? (op.operations[part] ?? op) : op) as OpFields;
    const fields = payload.fields.filter((given) => {
      const field = given.base === undefined ? { ...given, base: member(prev, given.path) } : given;
      const { base, mine, theirs } = openField(vault, payload, field);
      if (theirs === undefined || isLocked(theirs)) return true;
      if (mine !== undefined && !isLocked(mine) && equal(mine, theirs) && field.mine !== field.theirs) {
        taken.set(field.path, field.theirs as Json);
        return false;
      }
      return !(base !== undefined && equal(base, theirs) && !equal(field.base, field.theirs));
    });
    if (payload.kind === 'deleted' || fields.length === payload.fields.length) return clash;
    next = withValues(next, part, taken);
    return fields.length === 0 ? { ...clash, choice: 'mine' } : { ...clash, payload: { ...payload, fields } };
  });
  if (open.some(({ choice }) => choice === undefined)) return [next, open];
  return [resolution(next, open, null) ?? next, []];
}

/** The op with what the server has in the place of values that are equal to it. */
function withValues(op: Op, part: number, values: ReadonlyMap<string, Json>): Op {
  if (values.size === 0) return op;
  if (op.type === 'WIDGET_BATCH') {
    return {
      ...op,
      operations: op.operations.map((one, i) => (i === part ? (withValues(one, -1, values) as BatchedOp) : one)),
    };
  }
  const { set } = op as Patch;
  if (!set) return op;
  return {
    ...op,
    set: Object.fromEntries(Object.entries(set).map(([path, to]) => [path, values.get(path) ?? to])),
  } as Op;
}
