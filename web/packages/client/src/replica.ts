import { applyChange, withMembers } from './change.ts';
import { effectsOf, widgetKey } from './coalesce.ts';
import type { Change, DashboardDocument } from './document.ts';
import { applyOp } from './effect.ts';
import { equal } from './equal.ts';
import type { Json } from './json.ts';
import type { Op } from './operation.ts';
import { member } from './pointer.ts';
import type { Since } from './transport.ts';

/** An op on top of the server's document. */
interface Overlay {
  readonly id: string;
  readonly op: Op;
  readonly effects: ReadonlySet<string>;
  /** It is more than one widget or the settings, so that it cannot be done again by itself. */
  readonly wide: boolean;
}

/**
 * The server's document, and what the user sees: that document with the pending ops on top. What an entry or an op does
 * not touch is not worked out anew, and keeps its identity.
 */
export class Replica {
  /** The server's; null = not known. */
  server: DashboardDocument | null = null;
  readonly id: string;
  #ops: readonly Overlay[] = [];
  #view: DashboardDocument | null = null;
  /** The view has to be worked out from the bottom, when somebody looks. */
  #dirty = false;
  /** What is under the last op, while that is known: a drag replaces its op with every step. */
  #under: DashboardDocument | null = null;

  constructor(id: string) {
    this.id = id;
  }

  /** What the user sees; null = not known. */
  get view(): DashboardDocument | null {
    if (this.#dirty) {
      this.#dirty = false;
      this.#stack(this.server, this.#ops);
    }
    return this.#view;
  }

  /** Where it stands on the server's log, for going on from there (R1). */
  get place(): Since | null {
    return this.server && { epoch: this.server.epoch, version: this.server.version };
  }

  /** How many ops the next look at the view works out, if these are costly. */
  get owed(): number {
    return this.#dirty ? this.#ops.filter((o) => o.wide).length : 0;
  }

  /** The ops on top from now on, in order. */
  put(wanted: readonly { readonly id: string; readonly op: Op }[]): void {
    const old = this.#ops;
    const known = new Map(old.map((o) => [o.id, o]));
    const ops = wanted.map(({ id, op }) => {
      const overlay = known.get(id);
      return overlay?.op === op ? overlay : overlayOf(id, op);
    });
    let kept = 0;
    while (kept < old.length && ops[kept] === old[kept]) kept++;
    if (kept === old.length && kept === ops.length) return;
    const last = ops.at(-1);
    if (kept === old.length) {
      const { view } = this;
      this.#ops = ops;
      this.#stack(view, ops.slice(kept));
      return;
    }
    this.#ops = ops;
    if (!this.#dirty && this.#under && last && kept === old.length - 1 && kept === ops.length - 1) {
      this.#view = applyOp(this.#under, last.op).document;
    } else this.#rebase(differing(old, ops));
  }

  /** Takes the server's document as a whole; what is equal keeps its identity. */
  reset(document: DashboardDocument | null): void {
    this.server = document && this.server ? alike(this.server, document) : document;
    this.#rebase(null);
  }

  /**
   * Takes one entry or a range. `settled` is the op that it was, if it is one of these: it is taken off in the same step.
   * Without a change, the effect is that of the settled op itself.
   */
  advance(version: number, epoch: string, change: Change | undefined, settled?: string): void {
    if (!this.server) return;
    const own = settled === undefined ? undefined : this.#ops.find((o) => o.id === settled);
    const next = change ? applyChange(this.server, change) : own ? applyOp(this.server, own.op).document : this.server;
    const touched = change ? touchedBy(change) : new Set<string>();
    this.server = { ...next, version, epoch };
    if (own) {
      this.#ops = this.#ops.filter((o) => o !== own);
      for (const key of own.effects) touched.add(key);
      // Nobody has to hear that what was shown has come true.
      if (this.#view && !this.#dirty) this.server = alike(this.#view, this.server, touched);
    }
    this.#rebase(touched);
  }

  /** Takes what comes after one another in one step. The ops that settle with it have been removed. */
  advanceAll(changes: readonly Change[], version: number, epoch: string): void {
    if (!this.server) return;
    const touched = new Set<string>();
    let next = this.server;
    for (const change of changes) {
      next = applyChange(next, change);
      for (const key of touchedBy(change)) touched.add(key);
    }
    this.server = { ...next, version, epoch };
    this.#rebase(touched);
  }

  /** Works out the view where the server's document or the ops changed; null = everywhere. */
  #rebase(touched: ReadonlySet<string> | null): void {
    const { server } = this;
    const again = touched ? this.#ops.filter((o) => meet(touched, o.effects)) : this.#ops;
    if (this.#dirty || !server || !this.#view || !touched || this.#ops.length === 0 || again.some((o) => o.wide)) {
      this.#dirty = true;
    } else this.#stack(graft(this.#view, server, touched), again);
  }

  #stack(document: DashboardDocument | null, ops: readonly Overlay[]): void {
    this.#under = null;
    this.#view = document;
    for (const { op } of document ? ops : []) {
      this.#under = this.#view;
      this.#view = this.#view && applyOp(this.#view, op).document;
    }
    if (ops.at(-1) !== this.#ops.at(-1)) this.#under = null;
  }
}

function overlayOf(id: string, op: Op): Overlay {
  const effects = effectsOf(op);
  return { id, op, effects, wide: effects.size !== 1 || effects.has('l') };
}

/** What is touched by the ops that are in one list alone; null = everything, since they have changed places. */
function differing(old: readonly Overlay[], ops: readonly Overlay[]): ReadonlySet<string> | null {
  const both = old.filter((o) => ops.includes(o));
  if (ops.filter((o) => old.includes(o)).some((o, i) => o !== both[i])) return null;
  const others = [...old, ...ops].filter((o) => !both.includes(o));
  return others.some((o) => o.wide) ? null : new Set(others.flatMap((o) => [...o.effects]));
}

/** Whether two sets have something in common. */
export function meet(a: ReadonlySet<string>, b: ReadonlySet<string>): boolean {
  for (const key of b) if (a.has(key)) return true;
  return false;
}

/** The view with the server's state of what was touched; ops on top of that have to be done again. */
function graft(view: DashboardDocument, server: DashboardDocument, touched: ReadonlySet<string>): DashboardDocument {
  const ids = [...touched].filter((key) => key.startsWith('w:')).map((key) => key.slice(2));
  return {
    ...view,
    version: server.version,
    epoch: server.epoch,
    settings: touched.has('s') ? server.settings : view.settings,
    widgets: withMembers(
      view.widgets,
      ids.map((id) => [id, member(server.widgets, id)]),
    ),
    layouts: touched.has('l') ? server.layouts : view.layouts,
  };
}

function touchedBy(change: Change): Set<string> {
  const touched = new Set<string>();
  if (change.settings) touched.add('s');
  if (change.layouts) touched.add('l');
  for (const [id, widget] of Object.entries(change.widgets ?? {})) {
    touched.add(widgetKey(id));
    if (widget === null || 'value' in widget) touched.add('l');
  }
  return touched;
}

/** The new document, with the old one's objects where they are equal; `touched` says where to look, if not everywhere. */
function alike(old: DashboardDocument, now: DashboardDocument, touched?: ReadonlySet<string>): DashboardDocument {
  const same = <T>(a: T | undefined, b: T): T => (a !== b && equal(a as Json, b as Json) ? (a as T) : b);
  const each = <T>(a: Readonly<Record<string, T>>, b: Readonly<Record<string, T>>, keys: readonly string[]) => {
    const kept = withMembers(
      b,
      keys.map((key) => [key, Object.hasOwn(b, key) ? same(member(a, key), b[key]) : undefined]),
    );
    const all = Object.keys(kept);
    return all.length === Object.keys(a).length && all.every((key) => a[key] === kept[key]) ? a : kept;
  };
  const ids = touched
    ? [...touched].filter((key) => key.startsWith('w:')).map((key) => key.slice(2))
    : Object.keys(now.widgets);
  return {
    ...now,
    settings: same(old.settings, now.settings),
    widgets: each(old.widgets, now.widgets, ids),
    layouts: !touched || touched.has('l') ? each(old.layouts, now.layouts, Object.keys(now.layouts)) : now.layouts,
  };
}
