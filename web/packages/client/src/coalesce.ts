/** What ops touch, and how two edits that were not sent yet become one op. */
import { composePatches } from './change.ts';
import type { DashboardDocument, Patch, Pointer } from './document.ts';
import type { BatchedOp, LayoutUpdate, Op } from './operation.ts';
import { contains, getAt, member, prevAt } from './pointer.ts';

/** The parts of a batch; of any other op, itself. */
export function partsOf(op: Op): readonly Op[] {
  return op.type === 'WIDGET_BATCH' ? op.operations : [op];
}

/** The name of a widget among what ops touch; `s` is the settings, `l` all layouts. */
export const widgetKey = (id: string): string => `w:${id}`;

/** What an op may change. */
export function effectsOf(op: Op): ReadonlySet<string> {
  const keys = new Set<string>();
  for (const part of partsOf(op)) {
    const id = 'widgetId' in part ? part.widgetId : undefined;
    if (id !== undefined) keys.add(widgetKey(id));
    else if (part.type === 'DASHBOARD_UPDATE' || part.type === 'CONFLICT_RESOLVED') keys.add('s');
    const places = 'layout' in part || ('create' in part && part.create) || ('restore' in part && part.restore);
    if (places || part.type === 'WIDGET_DELETE' || part.type.startsWith('LAYOUT')) keys.add('l');
  }
  return keys;
}

/** What must not have another unanswered op before an op is sent: its widgets, and the layout if it is about that. */
export function lanesOf(op: Op): ReadonlySet<string> {
  const lanes = new Set<string>();
  for (const part of partsOf(op)) {
    if (part.type.startsWith('LAYOUT')) lanes.add('l');
    else for (const key of effectsOf(part)) if (key !== 'l') lanes.add(key);
    if (part.type === 'LAYOUT_UPDATE') for (const id of Object.keys(part.moved ?? {})) lanes.add(widgetKey(id));
  }
  return lanes;
}

/** The pointers of a patch. */
export function pathsOf(patch: Patch): readonly Pointer[] {
  return [...Object.keys(patch.set ?? {}), ...(patch.unset ?? [])];
}

/** How many paths an op names, merge patches apart (D5); a place on a grid counts as one. */
export function countPaths(op: Op): number {
  let n = 0;
  for (const part of partsOf(op) as readonly (Patch & Pick<LayoutUpdate, 'moved'>)[]) {
    n += pathsOf(part).length + Object.keys(part.moved ?? {}).length;
  }
  return n;
}

/** Whether two lists of pointers have paths that are equal or lie within each other. */
export function overlap(a: readonly Pointer[], b: readonly Pointer[]): boolean {
  return a.some((p) => b.some((q) => contains(p, q) || contains(q, p)));
}

/** The values that a person sees where an edit goes (M3). What is absent has none. */
export function withPrev<T extends Op>(op: T, seen: DashboardDocument | null): T {
  if (!seen || (op.type !== 'WIDGET_UPDATE' && op.type !== 'DASHBOARD_UPDATE') || op.prev || op.changes) return op;
  const of = op.type === 'WIDGET_UPDATE' ? member(seen.widgets, op.widgetId) : seen.settings;
  return { ...op, ...prevAt(pathsOf(op), (path) => getAt(of, path)) };
}

/** Two edits as one op that keeps the base of the first; undefined if they have to stay two. */
export function mergeOps(first: BatchedOp, second: BatchedOp): BatchedOp | undefined {
  if (first.policy !== second.policy) return undefined;
  if (first.type === 'LAYOUT_UPDATE' && second.type === 'LAYOUT_UPDATE') {
    if ((first.breakpoint ?? 'main') !== (second.breakpoint ?? 'main') || first.prev || second.prev) return undefined;
    const moved = { ...first.moved };
    for (const [id, move] of Object.entries(second.moved ?? {})) moved[id] = { ...member(moved, id), ...move };
    const { baseVersion, epoch } = first;
    return { ...first, ...second, ...(Object.keys(moved).length > 0 && { moved }), baseVersion, epoch };
  }
  const widgets = first.type === 'WIDGET_UPDATE' && second.type === 'WIDGET_UPDATE';
  if (!widgets && !(first.type === 'DASHBOARD_UPDATE' && second.type === 'DASHBOARD_UPDATE')) return undefined;
  if (first.changes || second.changes) return undefined;
  if (widgets && (first.widgetId !== second.widgetId || second.create || second.restore || second.layout)) {
    return undefined;
  }
  const patch = composePatches(first, second) ?? {};
  const known = new Set(pathsOf(first));
  const { set: _, unset: __, prev: ___, ...rest } = first;
  const isNew = 'create' in first && first.create;
  const seen = !isNew && prevAt(pathsOf(patch), (path) => member((known.has(path) ? first : second).prev, path));
  const { set, unset } = patch;
  return { ...rest, ...(set && { set }), ...(unset && { unset }), ...seen } as BatchedOp;
}
