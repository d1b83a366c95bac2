import type { Dashboard, DashboardState, EditOptions, Gesture, Operation } from './api.ts';
import { mergeOps, withPrev } from './coalesce.ts';
import type { DashboardDocument, Patch, Widget } from './document.ts';
import { applyOp } from './effect.ts';
import { DashwireError, errorOf } from './errors.ts';
import type { Host } from './host.ts';
import type { Item } from './item.ts';
import { labelOf } from './label.ts';
import type { AckPayload, Entry, NackPayload, ServerMessage, SyncResponse } from './message.ts';
import type { BatchedOp, Op } from './operation.ts';
import { editsOf, joinPointer } from './pointer.ts';
import { Replica } from './replica.ts';
import { UndoStack } from './undo.ts';
import { Views } from './views.ts';

/** So many ops about the layout are worked out anew at once. */
const cheap = 4;

/** One dashboard, shared by all its handles: follows it, edits it, and holds what views read. */
export class DashboardCore {
  readonly id: string;
  readonly replica: Replica;
  readonly undo = new UndoStack();
  readonly views: Views;
  /** How many handles are open. */
  handles = 0;
  /** The server follows up with everything after the replica's version. */
  synced = false;
  /** Waits to be forgotten, in case that it is opened again at once. */
  lingering: number | undefined;
  readonly #host: Host;
  /** The SYNC_REQUEST without an answer. */
  #asked: string | null = null;
  #joined: { readonly key: string; response: SyncResponse } | null = null;
  #retry: number | undefined;
  #attempts = 0;
  /** The ops that are on top. */
  #top: ReadonlyMap<string, { readonly op: Op; readonly order: number }> = new Map();
  /** When a costly view is worked out, and how many ms it took the last time. */
  #looking: number | undefined;
  #cost = 0;

  constructor(host: Host, id: string) {
    this.#host = host;
    this.id = id;
    this.replica = new Replica(id);
    this.views = new Views(this.replica, host.encryption);
  }

  get status(): DashboardState['status'] {
    return this.views.state.getSnapshot().status;
  }

  /** Whether ops can be sent: the server has told what it has, or that it tells nothing. */
  get ready(): boolean {
    return this.synced || (this.#asked === null && ['not-found', 'forbidden', 'failed'].includes(this.status));
  }

  /** Asks for the dashboard, or for what it has become since. */
  request(): void {
    this.lost();
    this.#host.follow();
    this.#asked = this.#host.send('SYNC_REQUEST', { dashboardId: this.id, since: this.replica.place });
  }

  /** Shows oneself, if one is to be seen. */
  present(): void {
    const state = this.views.people.own;
    if (this.synced && state !== undefined) this.#host.send('PRESENCE', { dashboardId: this.id, state });
  }

  lost(): void {
    this.#host.platform.clearTimeout(this.#retry ?? 0);
    this.synced = false;
    this.#asked = null;
    this.#joined = null;
  }

  end(): void {
    for (const timer of [this.#retry, this.#looking, this.lingering]) this.#host.platform.clearTimeout(timer ?? 0);
  }

  response(to: string | undefined, part: SyncResponse): void {
    if (part.mode === 'none' || (to !== undefined && to !== this.#asked) || (to === undefined && !this.synced)) return;
    const key = to ?? '';
    const { part: at = 1, parts = 1 } = part;
    const joined = at > 1 && this.#joined?.key === key ? join(this.#joined.response, part) : part;
    this.#joined = { key, response: joined };
    if (at < parts) return;
    this.#joined = null;
    if (to !== undefined) this.#asked = null;
    this.#take(joined);
  }

  #take(response: SyncResponse): void {
    const { epoch, version, document, entries = [], role, presence, data, mode, stale = false } = response;
    const { server } = this.replica;
    // An op knows an epoch if the dashboard was there when it was made.
    const known = this.status === 'deleted' || server?.version || this.#items().some((i) => i.active && i.op.epoch);
    const gone = version === 0 && known;
    if (gone) {
      this.closed('deleted'); // it was deleted while nobody listened
      this.#host.synced();
      return;
    }
    if (mode === 'snapshot' && document) this.replica.reset({ ...document, id: this.id, epoch, version });
    else {
      const fresh = entries.filter((e) => e.version > (server?.version ?? 0));
      if (server && (fresh[0]?.version ?? version + 1) === server.version + 1) {
        const changes = fresh.map(({ change }) => change);
        this.replica.advanceAll(changes, version, epoch);
      } else if (!server || version > server.version) {
        this.request();
        return;
      }
      for (const entry of fresh) this.#mine(entry);
      for (const entry of fresh) this.#host.entry(entry);
    }
    this.#attempts = 0;
    this.synced = true;
    if (stale) this.#later(5000);
    void this.undo.prepare().catch(() => {}); // tried again when it is needed
    this.views.set({ status: 'ready', role, stale, error: null });
    this.views.people.replace(presence);
    this.views.values.replace(data);
    this.present();
    this.#settleAcked(response.rewound);
    this.#host.synced();
  }

  /** Settles the op that an entry was, if it is one of this user's. */
  #mine(entry: Entry): void {
    const item = this.#host.outbox.get(entry.id);
    if (!item || item.dashboardId !== this.id || entry.author.userId !== this.#host.outbox.user) return;
    this.undo.committed(item, entry.version, entry.epoch);
    if (item.state === 'in-flight') {
      item.seen = true; // its answer is still to come, and tells more
      this.replaced();
    } else this.#host.outbox.settle(item, item.ack);
  }

  entry(entry: Entry): void {
    if (!this.#advance(entry.version - 1, entry)) return;
    this.#mine(entry);
    this.#look();
    this.#host.entry(entry);
    this.#settleAcked();
  }

  update(range: Extract<ServerMessage, { kind: 'sync-update' }>): void {
    if (!this.#advance(range.from, range)) return;
    this.#look();
    this.#settleAcked();
  }

  /** Takes what leads on from a version; asks again if that is not here yet (R2). False: it changed nothing. */
  #advance(from: number, { version, epoch, change }: Pick<Entry, 'version' | 'epoch' | 'change'>): boolean {
    const { server } = this.replica;
    if (!server || !this.synced) return false;
    const follows = this.#follows(epoch);
    if (follows && version <= server.version) return false;
    if (follows && from <= server.version) {
      this.replica.advance(version, epoch, change);
      return true;
    }
    this.#gap();
    return false;
  }

  /** The answer to an op that was applied: it stands for its version if it is in the stream (R2). */
  ack(item: Item, ack: AckPayload): void {
    const { server } = this.replica;
    const known = server !== null && this.synced && this.#follows(ack.epoch);
    if (known && ack.inStream && ack.version === server.version + 1) {
      this.replica.advance(ack.version, ack.epoch, ack.change, item.id);
      const now = this.replica.server ?? server;
      this.undo.committed(item, ack.version, ack.epoch, item.seen ? undefined : [server, now]);
      this.#host.outbox.settle(item, ack);
      this.#look();
      this.#settleAcked();
      return;
    }
    if (ack.status === 'unchanged') this.undo.drop(item);
    else this.undo.committed(item, ack.version, ack.epoch);
    if (!known || item.seen || ack.version <= server.version) this.#host.outbox.settle(item, ack);
    else {
      this.#host.outbox.acked(item, ack);
      if (ack.inStream) this.#gap();
    }
  }

  /** Asks in a while. */
  #later(ms: number): void {
    const { platform } = this.#host;
    platform.clearTimeout(this.#retry ?? 0);
    this.#retry = platform.setTimeout(() => this.request(), ms);
  }

  /** True if it was the answer to a SYNC_REQUEST of this dashboard. */
  refused(to: string | undefined, nack: NackPayload): boolean {
    if (to === undefined ? nack.path !== `dashboardId:${this.id}` : to !== this.#asked) return false;
    this.#asked = null;
    if (nack.retryable) {
      this.#later(nack.retryAfterMs ?? Math.min(20_000, 500 * 2 ** this.#attempts++));
    } else {
      const status = nack.code === 'NOT_FOUND' ? 'not-found' : nack.code === 'FORBIDDEN' ? 'forbidden' : 'failed';
      this.#close(status, errorOf(nack));
      this.#host.synced();
    }
    return true;
  }

  /** The last word on this dashboard (R9, P4). */
  closed(why: 'deleted' | 'forbidden'): void {
    const words = why === 'deleted' ? 'this dashboard was deleted' : 'this dashboard may not be seen any more';
    const error = new DashwireError(why === 'deleted' ? 'GONE' : 'FORBIDDEN', words);
    this.#close(why, error);
    for (const item of this.#items())
      if (item.active && item.state !== 'in-flight') this.#host.outbox.reject(item, error);
  }

  #close(status: DashboardState['status'], error: DashwireError): void {
    this.#host.platform.clearTimeout(this.#retry ?? 0);
    this.synced = false;
    this.replica.reset(null);
    this.views.set({ status, role: null, stale: false, error });
    this.views.people.replace([]);
    this.views.values.replace({});
  }

  /** It was brought back, or made. */
  revive(): void {
    if (this.synced || this.#asked !== null) return;
    this.views.set({ status: 'loading', error: null });
    this.request();
  }

  /** Puts an op of the outbox where it belongs: on top, or away. */
  changed(item: Item): void {
    if (item.state === 'conflicted' || item.state === 'rejected' || item.state === 'discarded') this.undo.drop(item);
    const items = this.#items();
    const now = item.shown ? item.op : undefined;
    const was = this.#top.get(item.id);
    if (was?.op !== now || was?.order !== item.order) this.#stack(items);
    this.views.pend(items, ['', ...item.lanes]);
    this.#look();
  }

  /** Puts all ops of the outbox where they belong. */
  replaced(): void {
    const items = this.#items();
    this.#stack(items);
    this.views.pend(items);
    this.#look();
  }

  #stack(items: readonly Item[]): void {
    const shown = items.filter((item) => item.shown);
    this.#top = new Map(shown.map(({ id, op, order }) => [id, { op, order }]));
    this.replica.put(shown);
  }

  /** Shows what has changed; where much has to be worked out for it, once for all that comes in a while. */
  #look(): void {
    const { platform } = this.#host;
    if (this.replica.owed <= cheap) this.views.update();
    else {
      this.#looking ??= platform.setTimeout(
        () => {
          this.#looking = undefined;
          const began = platform.monotonic();
          this.views.update();
          this.#cost = platform.monotonic() - began;
        },
        16 + 2 * this.#cost,
      );
    }
  }

  #items(): readonly Item[] {
    return this.#host.outbox.items.filter(({ dashboardId }) => dashboardId === this.id);
  }

  #settleAcked(rewound = false): void {
    const { server } = this.replica;
    for (const item of this.#items()) {
      const { ack } = item;
      if (!ack || item.state !== 'acked' || !server) continue;
      const follows = this.#follows(ack.epoch);
      if (follows && ack.version <= server.version) this.#host.outbox.settle(item, ack);
      else if (!follows || rewound) this.#host.outbox.doubt(item);
    }
  }

  /** Before the first entry there is no epoch (R6). */
  #follows(epoch: string): boolean {
    const { server } = this.replica;
    return server !== null && (server.epoch === epoch || (server.epoch === '' && server.version === 0));
  }

  #gap(): void {
    if (this.#asked === null) this.request();
  }

  /** Makes an op of this moment: on what the user sees now (M2, M3). */
  submit(asked: Op, options: EditOptions & { readonly order?: number } = {}, note = true): Item {
    const before = this.replica.view;
    const op = this.#prepared(asked, options);
    const words = (merged: Op) => options.label ?? labelOf(merged, before);
    const item = this.#host.outbox.add(this.id, based(op, before, options), words, options);
    if (this.status === 'deleted') {
      this.#host.outbox.reject(item, new DashwireError('GONE', 'this dashboard was deleted'));
    } else if (note) this.undo.record(item, op, before, this.replica.view);
    return item;
  }

  /** The op with nothing plain in encrypted fields. */
  #prepared(op: Op, options: EditOptions): Op {
    return this.#host.encryption?.prepare(this.id, op, this.replica.view, options) ?? op;
  }

  /** For the undo stack. */
  readonly again = (op: Op, label: string) => {
    const before = this.replica.view;
    const item = this.submit(op, { label }, false);
    return before && this.replica.view && { item, before, after: this.replica.view };
  };

  gesture(options: EditOptions = {}): Gesture {
    const { outbox } = this.#host;
    const began = this.replica.view;
    const parts = new Map<string, BatchedOp>();
    let item: Item | undefined;
    let over = false;
    const edit = (key: string, asked: BatchedOp) => {
      if (over) return;
      const op = this.#prepared(asked, options) as BatchedOp;
      const known = parts.get(key);
      const seen = withPrev(op, began);
      parts.set(key, known ? (mergeOps(known, seen) ?? seen) : seen);
      const [first, ...more] = parts.values();
      if (!first) return;
      const whole = based(more.length ? { type: 'WIDGET_BATCH', operations: [first, ...more] } : first, began, options);
      const words = (op: Op) => options.label ?? labelOf(op, began);
      if (!item || item.state === 'discarded') item = outbox.add(this.id, whole, words, { ...options, held: true });
      else outbox.update(item, whole);
    };
    return {
      updateWidget: (widgetId, { set, unset }) => {
        edit(`w:${widgetId}`, { type: 'WIDGET_UPDATE', widgetId, ...checked({ set, unset }) });
      },
      updateSettings: (patch) => edit('s', { type: 'DASHBOARD_UPDATE', ...checked(patch) }),
      move: (moved, breakpoint) => {
        edit(`l:${breakpoint ?? 'main'}`, { type: 'LAYOUT_UPDATE', ...(breakpoint && { breakpoint }), moved });
      },
      commit: () => {
        if (over) return undefined;
        over = true;
        if (item?.state !== 'draft') return undefined;
        if (began && applyOp(began, item.op).document === began) {
          outbox.discard(item); // it ends where it began
          return undefined;
        }
        outbox.release(item);
        this.undo.record(item, item.op, began, this.replica.view);
        return item.operation;
      },
      cancel: () => {
        over = true;
        if (item?.state === 'draft') outbox.discard(item);
      },
    };
  }

  /** What a handle can do. */
  handle(): Omit<Dashboard, 'close' | 'history' | 'versionAt' | 'nameVersion' | 'restore'> {
    const { views } = this;
    const edit = (op: Op, options?: EditOptions): Operation => this.submit(op, options).operation;
    const at = (breakpoint: string | undefined) => (breakpoint === undefined ? {} : { breakpoint });
    return {
      id: this.id,
      state: views.state,
      undoState: this.undo.state,
      presence: views.people.people,
      settings: views.settings,
      widget: views.widget,
      widgetIds: views.widgetIds,
      layout: views.layout,
      data: views.values.widget,
      pending: views.pending,
      conflicts: views.conflicts,
      namedVersions: () => views.namedVersions,
      createWidget: (widget: Widget, options: EditOptions & { id?: string; layout?: object } = {}) => {
        const { id: widgetId = this.#host.platform.newId(), layout } = options;
        const set = Object.fromEntries(Object.entries(widget).map(([key, value]) => [joinPointer('', key), value]));
        const op: Op = {
          type: 'WIDGET_UPDATE',
          widgetId,
          create: true,
          ...(Object.keys(set).length > 0 && checked({ set })),
          ...(layout && { layout }),
        };
        return { ...edit(op, options), widgetId };
      },
      updateWidget: (widgetId, patch, options) => {
        return edit({ type: 'WIDGET_UPDATE', widgetId, ...checked(patch) }, options);
      },
      deleteWidget: (widgetId, options) => edit({ type: 'WIDGET_DELETE', widgetId }, options),
      move: (moved, options) => edit({ type: 'LAYOUT_UPDATE', ...at(options?.breakpoint), moved }, options),
      updateLayout: ({ columns, compact }, options) => {
        const grid = { ...(columns !== undefined && { columns }), ...(compact && { compact }) };
        const create = options?.create && { create: true };
        return edit({ type: 'LAYOUT_UPDATE', ...at(options?.breakpoint), ...grid, ...create }, options);
      },
      updateSettings: (patch, options) => edit({ type: 'DASHBOARD_UPDATE', ...checked(patch) }, options),
      batch: (operations, options) => edit({ type: 'WIDGET_BATCH', operations }, options),
      restoreLayout: (toVersion, options) => {
        return edit({ type: 'LAYOUT_RESTORE', ...at(options?.breakpoint), toVersion }, options);
      },
      gesture: (options) => this.gesture(options),
      undo: () => this.undo.back('Undo', this.again),
      redo: () => this.undo.back('Redo', this.again),
      setPresence: (state) => {
        views.people.own = state;
        this.present();
      },
      sendData: (values) => this.synced && this.#host.send('WIDGET_DATA', { dashboardId: this.id, values }) !== null,
    };
  }
}

/** The op with what it is made on (M2): the version that the user sees, and the values there (M3). */
function based(op: Op, seen: DashboardDocument | null, { policy }: EditOptions): Op {
  const whole =
    op.type === 'WIDGET_BATCH'
      ? { ...op, operations: op.operations.map((part) => withPrev(part, seen)) }
      : withPrev(op, seen);
  const base = seen && op.baseVersion === undefined && { baseVersion: seen.version, epoch: seen.epoch };
  return { ...whole, ...base, ...(policy && { policy }) };
}

/** Throws for a path that cannot be (E6). */
function checked({ set, unset }: Patch): Patch {
  const edits = editsOf({ set, unset });
  if (edits.size === 0) throw new DashwireError('INVALID', 'this edit changes nothing');
  return { ...(set && { set }), ...(unset && { unset }) };
}

/** Two parts of one answer, joined by their members (R8). */
function join(first: SyncResponse, next: SyncResponse): SyncResponse {
  const document = first.document && {
    ...first.document,
    widgets: { ...first.document.widgets, ...next.document?.widgets },
    layouts: { ...first.document.layouts, ...next.document?.layouts },
  };
  return {
    ...first,
    document,
    entries: [...(first.entries ?? []), ...(next.entries ?? [])],
    presence: [...first.presence, ...next.presence],
    data: { ...first.data, ...next.data },
  };
}
