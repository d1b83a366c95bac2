import type { Conflict, FieldChoice, Operation, OperationState, Outcome, PendingOperation } from './api.ts';
import { lanesOf } from './coalesce.ts';
import type { Pointer } from './document.ts';
import type { DashwireError } from './errors.ts';
import type { AckPayload, ConflictPayload } from './message.ts';
import type { Op } from './operation.ts';
import type { Sealing } from './sealing.ts';
import { Store } from './store.ts';

/** A clash that waits for a person. */
export interface Clash {
  readonly id: string;
  /** Which part of a batch clashed; -1 = it is the whole op. */
  readonly part: number;
  /** ms since 1970. */
  readonly at: number;
  readonly payload: ConflictPayload;
  /** What was decided; the op goes out once all its clashes are. */
  readonly choice?: FieldChoice | Readonly<Record<Pointer, FieldChoice>>;
}

const ended: readonly OperationState[] = ['settled', 'conflicted', 'rejected', 'discarded'];

/** One op on its way. The outbox alone changes it. */
export class Item {
  readonly id: string;
  readonly dashboardId: string;
  /** ms since 1970. */
  readonly createdAt: number;
  /** The place among all ops; of a gesture, that of its end. */
  order: number;
  /** The client that made it; null until this client knows its own name. */
  clientId: string | null;
  label: string;
  /** An edit of one's own that can be taken back; so is what takes its place. */
  readonly undo: boolean;
  /** Names the op anew when it grows; null = it does not any more. */
  words: ((op: Op) => string) | null = null;
  state: OperationState = 'draft';
  /** When the edit was made, by the monotonic clock (M6). */
  at: number;
  attempts = 0;
  error: DashwireError | null = null;
  clashes: readonly Clash[] = [];
  /** Of the clashes, those that nobody has decided on yet. */
  conflicts: readonly Conflict[] = [];
  /** What was sent under its id before a clash changed it, oldest first: a late copy may still be committed (M8). */
  earlier: readonly Op[] = [];
  ack: AckPayload | undefined;
  /** A gesture that goes on. */
  held = false;
  /** It may have reached the server, and does not change any more. */
  sent = false;
  /** Its entry came before its answer. */
  seen = false;
  /** It is of a user who is signed in no more. */
  parked = false;
  /** Counts what has to be on the disk. */
  revision = 1;
  /** What has been written, or could not be. */
  written = 0;
  persisted = false;
  saving = false;
  timer: number | undefined;
  readonly current: Store<PendingOperation>;
  readonly operation: Operation;
  #op: Op;
  #lanes: ReadonlySet<string>;
  #finish: (outcome: Outcome) => void = () => {};

  constructor(
    from: Pick<Item, 'id' | 'dashboardId' | 'createdAt' | 'order' | 'clientId' | 'label' | 'undo' | 'at' | 'op'>,
  ) {
    ({ id: this.id, dashboardId: this.dashboardId, createdAt: this.createdAt, order: this.order } = from);
    ({ clientId: this.clientId, label: this.label, at: this.at, undo: this.undo } = from);
    this.#op = from.op;
    this.#lanes = lanesOf(from.op);
    this.current = new Store(this.#snapshot());
    const done = new Promise<Outcome>((resolve) => {
      this.#finish = resolve;
    });
    this.operation = { id: this.id, done, current: this.current };
  }

  get op(): Op {
    return this.#op;
  }

  set op(op: Op) {
    this.#op = op;
    this.#lanes = lanesOf(op);
    this.revision++;
  }

  /** What no other unanswered op may share. */
  get lanes(): ReadonlySet<string> {
    return this.#lanes;
  }

  /** On top of the server's document. */
  get shown(): boolean {
    return !this.seen && this.active;
  }

  /** Not settled, and needs nobody. */
  get active(): boolean {
    return !this.parked && !ended.includes(this.state);
  }

  /** Nobody but this client knows it. */
  get private(): boolean {
    return !this.sent && ['draft', 'queued', 'blocked'].includes(this.state);
  }

  publish(encryption?: Sealing): void {
    const operation = this.#snapshot();
    const open = this.state === 'conflicted' ? this.clashes.filter(({ choice }) => choice === undefined) : [];
    this.conflicts = open.map(({ id, at, payload }) => {
      const { widgetId, kind, fields } = encryption?.opened(payload) ?? payload;
      return { id, dashboardId: this.dashboardId, widgetId, kind, fields, operation, at };
    });
    this.current.set(operation);
  }

  finish(outcome: Omit<Outcome, 'id' | 'state'>): void {
    this.#finish({ id: this.id, state: this.state as Outcome['state'], ...outcome });
  }

  #snapshot(): PendingOperation {
    const { id, dashboardId, state, op, label, createdAt, attempts, error, persisted } = this;
    return { id, dashboardId, type: op.type, state, op, label, createdAt, attempts, error, persisted };
  }
}
