import type { FieldChoice } from './api.ts';
import type { DashboardDocument, Patch, Pointer } from './document.ts';
import type { Clash } from './item.ts';
import type { Json } from './json.ts';
import { mergeEdits } from './mergepatch.ts';
import type { ConflictPayload } from './message.ts';
import type { BatchedOp, ConflictResolved, Op } from './operation.ts';
import { contains, editsOf, member, patchOf } from './pointer.ts';

/** What a person says about a conflict: one choice for all fields, or one for each path. */
export type Choice = NonNullable<Clash['choice']>;

/** What the op of a conflict becomes (M10), with the conflict's version as base; null = nothing is left to be done. */
export function resolution(op: Op, clashes: readonly Clash[], document: DashboardDocument | null): Op | null {
  const [{ payload, choice = 'theirs', part = -1 } = {} as Partial<Clash>] = clashes;
  if (!payload) return op;
  if (op.type === 'WIDGET_BATCH' && part >= 0) {
    const operations = op.operations.flatMap((one, i) => {
      const clash = clashes.find((c) => c.part === i);
      return clash ? (partOf(one, clash.payload, clash.choice ?? 'theirs', document) ?? []) : one;
    });
    return operations.length > 0 ? { ...op, operations } : null;
  }
  const { conflictId, widgetId, kind, version } = payload;
  const base = { baseVersion: version, epoch: document?.epoch ?? op.epoch };
  const all = payload.fields.map(({ path }) => choiceOf(choice, path));
  const mine = all.some((c) => c !== 'theirs');
  if (kind === 'changed' || op.type === 'WIDGET_DELETE') {
    return mine && widgetId !== undefined ? { type: 'WIDGET_DELETE', widgetId, policy: 'ask', ...base } : null;
  }
  if (kind === 'deleted' && !mine) return null;
  const whole = all.every((c) => c === 'mine') ? 'mine' : mine ? 'value' : 'theirs';
  const outcome = outcomeOf(op, payload, choice, document);
  return {
    type: 'CONFLICT_RESOLVED',
    conflictId,
    ...(widgetId !== undefined && { widgetId }),
    ...base,
    choice: whole,
    ...(kind === 'deleted' && { restore: true }),
    ...outcome,
  } satisfies ConflictResolved;
}

/** A part of a batch, with what was chosen. */
function partOf(part: BatchedOp, payload: ConflictPayload, choice: Choice, document: DashboardDocument | null) {
  const { kind, fields, version } = payload;
  const mine = fields.some(({ path }) => choiceOf(choice, path) !== 'theirs');
  const base = { baseVersion: version, ...(document && { epoch: document.epoch }) };
  if (part.type === 'WIDGET_DELETE') return mine ? { ...part, ...base } : undefined;
  if ((part.type !== 'WIDGET_UPDATE' && part.type !== 'DASHBOARD_UPDATE') || (kind === 'deleted' && !mine))
    return undefined;
  const { set: _, unset: __, changes: ___, prev: ____, ...rest } = part;
  const outcome = outcomeOf(part, payload, choice, document);
  if (!outcome.set && !outcome.unset && !('layout' in part)) return undefined;
  return { ...rest, ...outcome, ...base, ...(kind === 'deleted' && { restore: true }) } as BatchedOp;
}

/** The chosen values, and the op's paths that did not clash. */
function outcomeOf(
  op: Op,
  { fields, kind, widgetId }: ConflictPayload,
  choice: Choice,
  document: DashboardDocument | null,
) {
  const now = (widgetId === undefined ? document?.settings : member(document?.widgets, widgetId)) ?? {};
  const edits = 'changes' in op && op.changes ? mergeEdits(now, op.changes) : editsOf(op as Patch);
  const prev: Record<Pointer, Json> = {};
  for (const path of [...edits.keys()]) {
    const clash =
      fields.find((f) => f.path === path) ?? fields.find((f) => contains(f.path, path) || contains(path, f.path));
    if (!clash) continue;
    const chosen = choiceOf(choice, clash.path);
    if (chosen === 'theirs') edits.delete(path);
    else if (chosen !== 'mine') edits.set(path, chosen.value);
    if (chosen !== 'theirs' && kind === 'field' && clash.path === path && clash.theirs !== undefined) {
      prev[path] = clash.theirs;
    }
  }
  return { ...patchOf(edits), ...(Object.keys(prev).length > 0 && { prev }) };
}

function choiceOf(choice: Choice, path: Pointer): FieldChoice {
  if (typeof choice === 'string' || isValue(choice)) return choice;
  return member(choice, path) ?? 'theirs';
}

/** A value for all; a record of choices has only pointers as keys. */
function isValue(choice: Exclude<Choice, string>): choice is { readonly value: Json } {
  return Object.hasOwn(choice, 'value');
}
