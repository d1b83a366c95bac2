import type { UndoResult, UndoState } from './api.ts';
import { mergeOps } from './coalesce.ts';
import type { DashboardDocument } from './document.ts';
import type { DashwireError } from './errors.ts';
import type { inverseOp } from './inverse.ts';
import type { Item } from './item.ts';
import type { BatchedOp, Op } from './operation.ts';
import { part } from './part.ts';
import { Store } from './store.ts';

/** One edit that can be taken back. */
interface Step {
  readonly label: string;
  readonly item: Item;
  op: Op;
  /** Without and with the op: as the user saw it, then as the server did it. */
  before: DashboardDocument;
  after: DashboardDocument;
  /** The version that the op's entry has, or before that the one that it was made on. */
  version: number;
  epoch: string;
}

/** How many edits can be taken back. */
const depth = 100;

/** Makes an op on the dashboard, without noting it here. */
type Submit = (op: Op, label: string) => { item: Item; before: DashboardDocument; after: DashboardDocument } | null;

/** What a user did on one dashboard, to be undone and redone (M13). */
export class UndoStack {
  readonly state = new Store<UndoState>({ canUndo: false, canRedo: false, undoLabel: null, redoLabel: null });
  #done: readonly Step[] = [];
  #undone: readonly Step[] = [];
  /** Works out how an edit is taken back. */
  #inverse: typeof inverseOp | undefined;

  /** Notes an edit. One that went into the same draft as the last belongs to it. */
  record(item: Item, op: Op, before: DashboardDocument | null, after: DashboardDocument | null): void {
    if (!item.undo || !before || !after) return;
    const last = this.#done.at(-1);
    this.#undone = [];
    if (last?.item === item && item.state === 'draft') {
      last.op = mergeOps(last.op as BatchedOp, op as BatchedOp) ?? item.op;
      last.after = after;
    } else {
      // What waits behind a decision comes after it.
      const behind = ({ item: { state, order } }: Step) => Number(state === 'blocked' && order > item.order);
      const all = [...this.#done, step(item, op, before, after, item.label)];
      this.#done = all.sort((a, b) => behind(a) - behind(b)).slice(-depth);
    }
    this.#tell();
  }

  /** The op's entry is here. Its documents are known if nothing else came with it. */
  committed(item: Item, version: number, epoch: string, exact?: readonly [DashboardDocument, DashboardDocument]): void {
    const steps = [...this.#done, ...this.#undone].filter((s) => s.item === item);
    for (const s of steps) {
      s.version = version;
      s.epoch = epoch;
      if (exact && steps.length === 1) [s.before, s.after] = exact;
    }
  }

  /** The op has come to nothing. */
  drop(item: Item): void {
    this.#done = this.#done.filter((s) => s.item !== item);
    this.#undone = this.#undone.filter((s) => s.item !== item);
    this.#tell();
  }

  /** Fetches what undoing takes, while there is a network. */
  async prepare(): Promise<void> {
    this.#inverse ??= (await part(import('./inverse.ts'))).inverseOp;
  }

  /** Takes the last edit back, or the last undo. */
  async back(word: 'Undo' | 'Redo', submit: Submit): Promise<UndoResult | null> {
    try {
      if (!this.#inverse) await this.prepare();
    } catch (error) {
      return { outcome: { id: '', state: 'rejected', error: error as DashwireError }, skipped: [] };
    }
    const undoing = word === 'Undo';
    const from = [...(undoing ? this.#done : this.#undone)];
    let made: ReturnType<Submit> = null;
    let next: readonly Step[] = [];
    while (!made) {
      const last = from.pop();
      if (!last) break;
      const { label, version, epoch } = last;
      const op = this.#inverse?.(last.before, last.after, last.op);
      if (!op) continue; // it changed nothing, and so is no step
      made = submit({ ...op, baseVersion: version, epoch }, `${word}: ${label}`);
      if (made?.item.active) next = [step(made.item, made.item.op, made.before, made.after, label)];
    }
    this.#done = undoing ? from : [...this.#done, ...next];
    this.#undone = undoing ? [...this.#undone, ...next] : from;
    this.#tell();
    if (!made) return null;
    const outcome = await made.item.operation.done;
    return { outcome, skipped: outcome.ack?.skipped ?? [] };
  }

  #tell(): void {
    const undoLabel = this.#done.at(-1)?.label ?? null;
    const redoLabel = this.#undone.at(-1)?.label ?? null;
    this.state.update({ canUndo: undoLabel !== null, canRedo: redoLabel !== null, undoLabel, redoLabel });
  }
}

function step(item: Item, op: Op, before: DashboardDocument, after: DashboardDocument, label: string): Step {
  return { label, item, op, before, after, version: before.version, epoch: before.epoch };
}
