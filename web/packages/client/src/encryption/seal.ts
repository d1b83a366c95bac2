import type { Patch, Pointer } from '../document.ts';
import { equal } from '../equal.ts';
import type { Json } from '../json.ts';
import type { BatchedOp, Op, OpFields } from '../operation.ts';
import { isObject, member } from '../pointer.ts';
import { isSealed } from '../sealing.ts';
import { Cell } from './cell.ts';
import type { Vault } from './vault.ts';

/** The op with each cell sealed; the same op if it has none. Rejects with `LOCKED`. */
export async function sealOp(vault: Vault, op: Op): Promise<Op> {
  if (op.type === 'WIDGET_BATCH') {
    const operations = await Promise.all(op.operations.map((part) => sealOp(vault, part) as Promise<BatchedOp>));
    return operations.every((part, i) => part === op.operations[i]) ? op : { ...op, operations };
  }
  const { set, prev } = op as OpFields & Patch;
  const was = await each(prev, (value) => sealed(vault, value, undefined));
  const to = await each(set, (value, path) => sealed(vault, value, member(was, path)));
  return was === prev && to === set ? op : ({ ...op, ...(to && { set: to }), ...(was && { prev: was }) } as Op);
}

async function each<T extends Readonly<Record<Pointer, Json>> | undefined>(
  values: T,
  seal: (value: Json, path: Pointer) => Promise<Json>,
): Promise<T> {
  if (!values) return values;
  const all = await Promise.all(
    Object.entries(values).map(async ([path, value]) => [path, await seal(value, path)] as const),
  );
  return all.every(([path, value]) => value === values[path]) ? values : (Object.fromEntries(all) as T);
}

/** `was` is what was seen in the same place: a value that came back to it keeps its bytes. */
async function sealed(vault: Vault, value: Json, was: Json | undefined): Promise<Json> {
  if (value instanceof Cell) {
    const isBack = isSealed(was) && !value.anew && equal(vault.openAs(was, value.place), value.value);
    return isBack ? was : value.sealed((cell) => vault.seal(cell));
  }
  if (!isObject(value)) return value;
  return each(value, (inner, key) => sealed(vault, inner, isObject(was) ? member(was, key) : undefined));
}
