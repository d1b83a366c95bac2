import { withMembers } from './change.ts';
import type { DashboardDocument, Layout, Move, Rectangle, Widget } from './document.ts';
import { equal } from './equal.ts';
import { DashwireError, type ErrorCode } from './errors.ts';
import type { Json, JsonObject } from './json.ts';
import { normaliseLayout, placeNew } from './layout.ts';
import { mergeEdits } from './mergepatch.ts';
import type { ConflictResolved, DashboardUpdate, LayoutUpdate, Op, OpFields, WidgetUpdate } from './operation.ts';
import { editsIn, editsOf, getAt, isId, joinPointer, member, reaches, setAt, unsetAt } from './pointer.ts';
import { emptyLayout, movedTo } from './rectangle.ts';

/** Why an op cannot be applied; `path` names the place as the server's answer would. */
export interface Problem {
  readonly code: ErrorCode;
  readonly path?: string;
}

/**
 * The document with an op on top, as it will be if the op does not clash: what a person sees until the answer comes. An op
 * that cannot be applied leaves the document itself, with the reason. What takes history to know, LAYOUT_RESTORE and
 * `restore`, shows nothing until the server answers. An undo leaves out what is not as it knows it (M13).
 */
export function applyOp(document: DashboardDocument, op: Op): { document: DashboardDocument; problem?: Problem } {
  if (op.type === 'LAYOUT_RESTORE') return { document };
  try {
    const draft = new Draft(document);
    if (op.type === 'WIDGET_BATCH') {
      for (const part of op.operations) check(part);
      draft.applyBatch(op.operations, op.atomic ?? true, op.policy);
    } else {
      check(op);
      draft.apply(op);
    }
    return { document: draft.restores ? document : draft.finish() };
  } catch (error) {
    if (!(error instanceof DashwireError)) throw error;
    return { document, problem: { code: error.code, ...(error.path !== undefined && { path: error.path }) } };
  }
}

/** Limits of what may be asked of a rectangle (L2). */
const maxY = 100_000;
const maxHeight = 1_000;
const maxColumns = 1_000;

/** A breakpoint while an op is applied: not normalised yet, and what gestures ask of it. */
interface Asked {
  layout: Layout;
  readonly moved: Record<string, Rectangle>;
}

class Draft {
  /** Something is brought back, and only the server knows as what. */
  restores = false;
  readonly #from: DashboardDocument;
  #settings: JsonObject;
  #widgets: Readonly<Record<string, Widget>>;
  readonly #layouts = new Map<string, Asked>();
  /** Deleted by an earlier part: their ids are not free again (M9). */
  readonly #buried = new Set<string>();

  constructor(from: DashboardDocument) {
    this.#from = from;
    this.#settings = from.settings;
    this.#widgets = from.widgets;
  }

  /** The parts one after another (M11). A part that is refused changes nothing. */
  applyBatch(
    parts: readonly Exclude<Op, { type: 'WIDGET_BATCH' }>[],
    atomic: boolean,
    policy: OpFields['policy'],
  ): void {
    let refused: string | undefined;
    let passed = 0;
    for (const [i, part] of parts.entries()) {
      try {
        this.apply(policy && !part.policy ? { ...part, policy } : part);
        passed++;
      } catch (error) {
        if (!(error instanceof DashwireError)) throw error;
        refused ??= `operations.${i}`;
      }
    }
    if (passed === 0 || (atomic && refused)) refuse('BATCH_REFUSED', refused ?? 'operations');
  }

  apply(op: Exclude<Op, { type: 'WIDGET_BATCH' }>): void {
    if (op.type === 'WIDGET_DELETE') this.#delete(op.widgetId, op);
    else if (op.type === 'LAYOUT_UPDATE') this.#updateLayout(op);
    else if (op.type === 'DASHBOARD_UPDATE') this.#settings = edited(this.#settings, op);
    else if (op.type === 'WIDGET_UPDATE') this.#update(op, op.widgetId);
    else if (op.type === 'CONFLICT_RESOLVED') {
      if (op.widgetId === undefined) this.#settings = edited(this.#settings, op);
      else this.#update(op, op.widgetId);
    }
  }

  finish(): DashboardDocument {
    const from = this.#from;
    const layouts = withMembers(
      from.layouts,
      [...this.#layouts].map(([name, { layout, moved }]) => {
        const was = member(from.layouts, name);
        const now = normaliseLayout(layout, moved);
        return [name, layout !== was && equal(was as unknown as Json, now as unknown as Json) ? was : now];
      }),
    );
    return this.#settings === from.settings && this.#widgets === from.widgets && layouts === from.layouts
      ? from
      : { ...from, settings: this.#settings, widgets: this.#widgets, layouts };
  }

  #update(op: WidgetUpdate | ConflictResolved, id: string): void {
    const { create, layout } = op as Partial<WidgetUpdate>;
    const widget = member(this.#widgets, id);
    if (create && (widget || this.#buried.has(id))) refuse('EXISTS', 'widgetId');
    if (!create && !widget) {
      if (!op.restore) refuse('NOT_FOUND', 'widgetId');
      this.restores = true;
      return;
    }
    const value = edited(widget ?? {}, op);
    if (value !== widget) this.#widgets = { ...this.#widgets, [id]: value };
    if (create) {
      for (const asked of this.#breakpoints()) put(asked, id, placeNew(placed(asked)));
    }
    if (layout) this.#move('main', id, layout);
  }

  #delete(id: string, op: OpFields): void {
    const widget = member(this.#widgets, id);
    if (!widget || isSkipped(op, '', widget)) return;
    this.#widgets = withMembers(this.#widgets, [[id, undefined]]);
    this.#buried.add(id);
    for (const asked of this.#breakpoints()) {
      put(asked, id, undefined);
      delete asked.moved[id];
    }
  }

  #updateLayout(op: LayoutUpdate): void {
    const { breakpoint = 'main', moved = {}, columns, compact } = op;
    const known = this.#layouts.has(breakpoint) || member(this.#from.layouts, breakpoint) !== undefined;
    if (!known && !op.create) refuse('NOT_FOUND', 'breakpoint');
    const asked = this.#layout(breakpoint);
    const { layout } = asked;
    if ((columns ?? layout.columns) !== layout.columns || (compact ?? layout.compact) !== layout.compact) {
      asked.layout = { ...layout, columns: columns ?? layout.columns, compact: compact ?? layout.compact };
    }
    for (const [id, by] of Object.entries(moved)) {
      const r = member(layout.items, id);
      const now = r && movedTo(r, member(asked.moved, id) ?? {});
      if (now && !isSkipped(op, joinPointer('', id), now as unknown as Json)) this.#move(breakpoint, id, by);
    }
  }

  #move(breakpoint: string, id: string, by: Move): void {
    const { layout, moved } = this.#layout(breakpoint);
    const r = member(layout.items, id);
    if (r) moved[id] = movedTo(movedTo(r, member(moved, id) ?? {}), by);
  }

  /** A breakpoint to be changed; a new one begins as `main` is (L7). */
  #layout(name: string): Asked {
    let asked = this.#layouts.get(name);
    if (!asked) {
      const was = member(this.#from.layouts, name);
      asked = { layout: was ?? (name === 'main' ? emptyLayout : placed(this.#layout('main'))), moved: {} };
      this.#layouts.set(name, asked);
    }
    return asked;
  }

  #breakpoints(): Asked[] {
    return [...new Set([...Object.keys(this.#from.layouts), ...this.#layouts.keys()])].map((name) =>
      this.#layout(name),
    );
  }
}

function put(asked: Asked, id: string, r: Rectangle | undefined): void {
  asked.layout = { ...asked.layout, items: withMembers(asked.layout.items, [[id, r]]) };
}

/** With what is asked so far. */
function placed({ layout, moved }: Asked): Layout {
  return { ...layout, items: { ...layout.items, ...moved } };
}

/** The value with the edits of an op; it comes back itself if it has them all. */
function edited(value: JsonObject, op: WidgetUpdate | DashboardUpdate | ConflictResolved): JsonObject {
  const edits = 'changes' in op && op.changes ? mergeEdits(value, op.changes) : editsIn(op);
  let out: Json | undefined = value;
  for (const [path, to] of edits) {
    const now = getAt(value, path);
    if (equal(now, to) && (now !== undefined || reaches(value, path))) continue;
    if (isSkipped(op, path, now)) continue;
    if (!reaches(value, path)) refuse('PATH', path);
    out = to === undefined ? unsetAt(out, path) : setAt(out, path, to);
  }
  return out as JsonObject;
}

/** Whether an undo leaves a place alone, since it is not as that op left it (M13). */
function isSkipped(op: OpFields, path: string, now: Json | undefined): boolean {
  return op.policy === 'skip' && op.prev !== undefined && Object.hasOwn(op.prev, path) && !equal(op.prev[path], now);
}

/** What is wrong with an op whatever the document. In a part it refuses the batch as a whole (M11). */
function check(op: Exclude<Op, { type: 'WIDGET_BATCH' }>): void {
  const {
    widgetId,
    breakpoint,
    layout,
    moved = {},
    columns,
    set,
    unset,
  } = op as Partial<Omit<WidgetUpdate, 'type'> & Omit<LayoutUpdate, 'type'>>;
  if (widgetId !== undefined && !isId(widgetId)) refuse('INVALID_ID', 'widgetId');
  if (breakpoint !== undefined && !isId(breakpoint)) refuse('INVALID_ID', 'breakpoint');
  editsOf({ set, unset });
  if (layout) checkPlace(layout, 'layout');
  for (const [id, by] of Object.entries(moved)) {
    if (!isId(id)) refuse('INVALID_ID', 'moved');
    checkPlace(by, `moved${joinPointer('', id)}`);
  }
  if (columns !== undefined && !(Number.isInteger(columns) && columns >= 1 && columns <= maxColumns)) {
    refuse('INVALID_LAYOUT', 'columns');
  }
}

/** What is asked of a rectangle (L2). */
function checkPlace({ x = 0, y = 0, w = 0, h = 0 }: Move, path: string): void {
  const fault = Object.entries({ x, y, w, h }).find(([, n]) => !Number.isInteger(n));
  if (fault) refuse('INVALID_LAYOUT', `${path}/${fault[0]}`);
  if (y > maxY) refuse('INVALID_LAYOUT', `${path}/y`);
  if (h > maxHeight) refuse('INVALID_LAYOUT', `${path}/h`);
}

function refuse(code: ErrorCode, path: string): never {
  throw new DashwireError(code, `this cannot be done to the dashboard as it is now: ${code} at ${path}`, { path });
}
