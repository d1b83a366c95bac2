import type { DashboardDocument, Layout, Move, Patch, Pointer, Rectangle } from './document.ts';
import { equal } from './equal.ts';
import type { Json, JsonObject } from './json.ts';
import { normaliseLayout } from './layout.ts';
import { mergeEdits } from './mergepatch.ts';
import type { BatchedOp, Op } from './operation.ts';
import { contains, editsIn, getAt, joinPointer, member, patchOf, prevAt } from './pointer.ts';
import { equalRectangles } from './rectangle.ts';

/**
 * The op that takes another one back (M13): with `prev`, so that what somebody has changed since is left alone. `before`
 * and `after` are the document without and with that op and nothing else; where the server has told its change, `after`
 * comes from that, since a `restore` shows only there. Null if there is nothing to take back. Its base version is for the
 * caller to add: the version of the op's own entry.
 *
 * A redo is the inverse of the undo.
 */
export function inverseOp(before: DashboardDocument, after: DashboardDocument, op: Op): Op | null {
  const all = op.type === 'WIDGET_BATCH' ? op.operations : [op];
  const parts: BatchedOp[] = [];
  const settings = back(
    before.settings,
    after.settings,
    all.filter((part) => !widgetOf(part)),
  );
  if (settings) parts.push({ type: 'DASHBOARD_UPDATE', ...settings });
  for (const widgetId of [...new Set(all.flatMap((part) => widgetOf(part) ?? []))].sort()) {
    const was = member(before.widgets, widgetId);
    const is = member(after.widgets, widgetId);
    if (was && !is) parts.push({ type: 'WIDGET_UPDATE', widgetId, restore: true });
    if (!was && is) parts.push({ type: 'WIDGET_DELETE', widgetId, prev: { '': is } });
    const edits =
      was &&
      is &&
      back(
        was,
        is,
        all.filter((part) => widgetOf(part) === widgetId),
      );
    if (edits) parts.push({ type: 'WIDGET_UPDATE', widgetId, ...edits });
  }
  for (const breakpoint of Object.keys(after.layouts).sort()) {
    const was = member(before.layouts, breakpoint);
    const is = member(after.layouts, breakpoint);
    const moves = was && is && was !== is && movesBack(was, is);
    if (moves) parts.push({ type: 'LAYOUT_UPDATE', ...(breakpoint !== 'main' && { breakpoint }), ...moves });
  }
  const [first, second] = parts;
  if (!first) return null;
  // One part that cannot be taken back any more does not keep the others.
  return second
    ? { type: 'WIDGET_BATCH', atomic: false, policy: 'skip', operations: parts }
    : { ...first, policy: 'skip' };
}

function widgetOf(op: Op): string | undefined {
  return 'widgetId' in op ? op.widgetId : undefined;
}

type Undoing = Patch & { readonly prev?: Readonly<Record<Pointer, Json>> };

/** Takes back what ops did at the paths that they name. */
function back(was: JsonObject, is: JsonObject, ops: readonly Op[]): Undoing | null {
  const paths = new Set(
    ops.flatMap((op) => {
      const { changes, ...patch } = op as Patch & { changes?: JsonObject };
      return changes ? [...mergeEdits(was, changes).keys()] : editsIn(patch).map(([path]) => path);
    }),
  );
  const edits = new Map<Pointer, Json | undefined>();
  for (const path of paths) {
    if ([...paths].some((above) => above !== path && contains(above, path))) continue;
    const now = getAt(is, path);
    const then = getAt(was, path);
    if (equal(now, then)) continue;
    edits.set(path, then);
  }
  return edits.size > 0 ? { ...patchOf(edits), ...prevAt(edits.keys(), (path) => getAt(is, path)) } : null;
}

/** Puts the items of a breakpoint back, those too that were only pushed aside. */
function movesBack(was: Layout, is: Layout) {
  const both = Object.keys(was.items).filter((id) => Object.hasOwn(is.items, id));
  let ids = both.filter((id) => !equalRectangles(is.items[id], was.items[id] as Rectangle));
  const grid = {
    ...(was.columns !== is.columns && { columns: was.columns }),
    ...(was.compact !== is.compact && { compact: was.compact }),
  };
  if (ids.length === 0) return Object.keys(grid).length > 0 ? grid : null;
  const moved = () => Object.fromEntries(ids.map((id) => [id, was.items[id] as Move]));
  // Now and then an item that has not moved would slip by those that go back; then all are told their places.
  const trial = normaliseLayout({ ...is, ...grid }, moved());
  if (both.some((id) => !equalRectangles(trial.items[id], was.items[id] as Rectangle))) ids = both;
  const prev = Object.fromEntries(ids.map((id) => [joinPointer('', id), is.items[id] as unknown as Json]));
  return { ...grid, moved: moved(), prev };
}
