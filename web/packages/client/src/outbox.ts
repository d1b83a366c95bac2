import type { Outcome, Platform } from './api.ts';
import { countPaths, lanesOf, mergeOps, overlap, partsOf, pathsOf } from './coalesce.ts';
import type { Patch } from './document.ts';
import { DashwireError, errorOf } from './errors.ts';
import { type Clash, Item } from './item.ts';
import type { AckPayload, ConflictPayload, NackPayload } from './message.ts';
import type { BatchedOp, Op } from './operation.ts';
import { meet } from './replica.ts';
import type { Sealing } from './sealing.ts';
import type { KeptOp, OpStorage } from './storage.ts';
import type { Connection } from './transport.ts';

/** Ops that may be without an answer at a time. */
const window = 64;
/** How often the disk is tried again after a failure, and other tabs are looked for that have died. */
const retryMs = 5000;
const adoptMs = 30_000;
/** Where no locks tell which tabs are alive, ops are taken over after this time. */
const abandonedMs = 86_400_000;

export interface OutboxHost {
  readonly platform: Platform;
  readonly connection: Connection;
  readonly storage: OpStorage;
  readonly encryption?: Sealing;
  /** Which server: what is kept for another is left alone. */
  readonly server: string;
  /** This client's own name. */
  readonly clientId: Promise<string>;
  readonly draftMs: number;
  /** Ops of this dashboard may be sent now. */
  ready(dashboardId: string): boolean;
  /** An op was added, has changed, or has ended. */
  changed(item: Item): void;
  /** These are another user's ops from now on. */
  replaced(): void;
  /** The name of the lock that a living tab holds. */
  lockName(clientId: string): string;
}

/** The ops of one user on their way to the server: kept, sent in order, and sent again unchanged until answered (M8). */
export class Outbox {
  /** In order. */
  items: readonly Item[] = [];
  /** Whose ops these are; null = not known yet. */
  user: string | null = null;
  lastSavedAt: number | null = null;
  readonly #host: OutboxHost;
  #clientId: string | null = null;
  readonly #parked = new Map<string, readonly Item[]>();
  readonly #writes = new Set<Promise<void>>();
  /** Ends the locks of dead clients whose ops are sent from here. */
  readonly #adopted = new Map<string, () => void>();
  /** Ops that have ended, so that one read from the disk meanwhile does not come back. */
  readonly #gone = new Set<string>();
  /** Those of them that the disk no longer has. */
  #forgotten: string[] = [];
  #loads = 0;
  #loading: Promise<void> | null = null;
  #lastOrder = 0;
  #writeTimer: number | undefined;
  #adoptTimer: number | undefined;
  #destroyed = false;

  constructor(host: OutboxHost) {
    this.#host = host;
    void host.clientId.then((id) => {
      this.#clientId = id;
      for (const item of this.items) this.#save(item);
    });
  }

  /** Resolves once what was left on the disk is here, if it is known whose. */
  loaded(): Promise<void> {
    return this.#loading ?? Promise.resolve();
  }

  get(id: string): Item | undefined {
    return this.items.find((item) => item.id === id);
  }

  /** Shows an op and sends it after the draft time; a gesture's is `held` until {@link release}. With an order, it takes the place of another. */
  add(
    dashboardId: string,
    op: Op,
    words: (op: Op) => string,
    { held = false, order, undo = true }: { held?: boolean; order?: number; undo?: boolean } = {},
  ): Item {
    const merged = held || order !== undefined ? undefined : this.#merge(dashboardId, op, undo);
    if (merged) return merged;
    const { platform } = this.#host;
    const [id, createdAt, at] = [platform.newId(), platform.now(), platform.monotonic()];
    const label = words(op);
    const item = new Item({ id, dashboardId, createdAt, order: 0, clientId: this.#clientId, label, undo, at, op });
    item.words = words;
    if (order === undefined) this.#append(item);
    else {
      item.order = order;
      this.items = [...this.items, item].sort(byOrder);
    }
    item.held = held;
    if (!held && !this.#destroyed) {
      item.timer = platform.setTimeout(() => this.release(item), this.#host.draftMs);
      this.#save(item);
    }
    this.#tell(item);
    return item;
  }

  /** Replaces the op of a gesture, or of what was never sent. */
  update(item: Item, op: Op): void {
    item.op = op;
    item.label = item.words?.(op) ?? item.label;
    if (item.held) item.at = this.#host.platform.monotonic();
    else this.#save(item);
    this.#tell(item);
  }

  /** Ends a draft: it goes out as soon as it may. A gesture takes its place in the order only now. */
  release(item: Item): void {
    this.#clear(item);
    if (item.state !== 'draft') return;
    if (item.held) {
      item.held = false;
      this.items = this.items.filter((i) => i !== item);
      this.#append(item);
    }
    item.state = 'queued';
    this.#save(item);
    this.#tell(item);
    this.pump();
  }

  /** Sends all that may be sent. */
  pump(): void {
    if (this.#destroyed || this.#loading || this.user === null) return;
    let unanswered = this.items.filter(({ state }) => state === 'in-flight').length;
    const busy = new Map<string, Set<string>>();
    /** In conflict, or behind what is. */
    const stuck: Item[] = [];
    for (const item of this.items) {
      if (item.state === 'conflicted') stuck.push(item);
      if (!item.active || item.held || item.state === 'acked') continue;
      if (item.state === 'queued' || item.state === 'blocked') {
        const state = stuck.some((other) => isBehind(item, other)) ? 'blocked' : 'queued';
        if (state !== item.state) this.#move(item, state);
        if (state === 'blocked') {
          stuck.push(item); // what lies elsewhere goes by
          continue;
        }
      }
      const lanes = busy.get(item.dashboardId) ?? new Set();
      busy.set(item.dashboardId, lanes);
      const free = !meet(lanes, item.lanes);
      for (const lane of item.lanes) lanes.add(lane);
      if (!free || (item.state !== 'queued' && item.state !== 'in-doubt')) continue;
      if (unanswered >= window) break;
      if (item.written === item.revision && this.#host.ready(item.dashboardId) && this.#send(item)) unanswered++;
    }
  }

  /** The session has ended: what had no answer may be there or not. */
  lost(): void {
    for (const item of this.items) {
      if (item.seen) this.settle(item, item.ack);
      else if (item.state === 'in-flight') this.#move(item, 'in-doubt');
    }
  }

  /** A session has begun, as this user and client. */
  async opened(user: string): Promise<void> {
    for (const item of this.items) if (item.state === 'waiting') this.#wake(item);
    await this.identify(user);
    await this.adopt();
  }

  /** Ops are this user's from now on; what he left on the disk is fetched. */
  identify(user: string): Promise<void> {
    if (this.user === user) return this.#loading ?? Promise.resolve();
    if (this.user !== null) this.#park(this.user, user);
    this.user = user;
    this.#host.replaced();
    const loading = this.#load(user).finally(() => {
      if (this.#loading !== loading) return;
      this.#loading = null;
      for (const item of this.items) this.#save(item);
      this.pump();
    });
    this.#loading = loading;
    return loading;
  }

  /** Takes over the ops that other tabs of this user left when they died. */
  async adopt(): Promise<void> {
    const { platform } = this.#host;
    platform.clearTimeout(this.#adoptTimer ?? 0);
    if (this.#destroyed || this.user === null) return;
    await this.#load(this.user);
    if (this.#destroyed) return;
    this.#adoptTimer = platform.setTimeout(() => void this.adopt(), adoptMs);
    this.pump();
  }

  settle(item: Item, ack: AckPayload | undefined): void {
    this.lastSavedAt = this.#host.platform.now();
    this.#end(item, 'settled', { ack });
  }

  /** The answer has come before the version that it names. */
  acked(item: Item, ack: AckPayload): void {
    item.ack = ack;
    this.#move(item, 'acked');
    this.pump();
  }

  /** The server has lost what it had acknowledged: the op is sent again. */
  doubt(item: Item): void {
    item.ack = undefined;
    this.#move(item, 'in-doubt');
  }

  refused(item: Item, nack: NackPayload): void {
    const { code, retryable, retryAfterMs, results = [] } = nack;
    item.error = errorOf(nack);
    const clashes = results.flatMap(({ conflict }, part) => (conflict ? [{ part, conflict }] : []));
    const earlier = item.earlier.at(-1);
    if (code === 'ID_REUSED' && earlier) {
      // A late copy of what it was has been committed: sent like that again, M8 tells how.
      item.op = earlier;
      item.earlier = item.earlier.slice(0, -1);
      item.error = null;
      this.#move(item, 'in-doubt');
      this.#save(item);
    } else if (retryable) {
      const { platform } = this.#host;
      const ms = retryAfterMs ?? Math.min(20_000, 500 * 2 ** item.attempts) * (0.5 + platform.random() / 2);
      item.timer = platform.setTimeout(() => {
        this.#wake(item);
        this.pump();
      }, ms);
      this.#move(item, 'waiting');
    } else if (clashes.length > 0 && results.every(({ status }) => status !== 'refused')) {
      this.conflicted(item, clashes);
    } else this.reject(item, item.error);
  }

  conflicted(item: Item, clashes: readonly { readonly part: number; readonly conflict: ConflictPayload }[]): void {
    const at = this.#host.platform.now();
    const was = item.op;
    item.error = null;
    item.clashes = clashes.map(({ part, conflict }): Clash => {
      return { id: part < 0 ? item.id : `${item.id}:${part}`, part, at, payload: conflict };
    });
    this.#host.encryption?.decide(item);
    if (item.clashes.length > 0) {
      this.#stop(item, 'conflicted');
      item.finish({ conflict: item.conflicts[0] });
    } else {
      item.earlier = [...item.earlier, was];
      this.#move(item, 'queued'); // what clashed is none by value: it goes out again as it was decided
      this.#save(item);
    }
  }

  reject(item: Item, error: DashwireError): void {
    item.error = error;
    this.#stop(item, 'rejected');
    item.finish({ error });
  }

  /** Takes an op away for good; false = it may be applied already. */
  discard(item: Item): boolean {
    if (!item.private && item.state !== 'rejected' && item.state !== 'conflicted') return false;
    this.#end(item, 'discarded', {});
    return true;
  }

  /** Writes down what has been decided about a part of a batch. */
  decided(item: Item, clashes: readonly Clash[]): void {
    item.clashes = clashes;
    item.revision++;
    this.#save(item);
    this.#tell(item);
  }

  /** Tells of everything anew: a key has come or gone. */
  readonly publish = (): void => {
    for (const item of this.items) item.publish(this.#host.encryption);
    this.#host.replaced();
  };

  /** Ends all timers and locks; what is pending stays on the disk. */
  async destroy(): Promise<void> {
    this.#destroyed = true;
    const { platform } = this.#host;
    for (const item of [...this.items, ...[...this.#parked.values()].flat()]) this.#clear(item);
    for (const timer of [this.#adoptTimer, this.#writeTimer]) platform.clearTimeout(timer ?? 0);
    await this.#loading;
    while (this.#writes.size > 0) await Promise.all(this.#writes);
    for (const release of this.#adopted.values()) release();
  }

  /** Another user has signed in: what is the first one's rests. */
  #park(old: string, user: string): void {
    for (const item of this.items) {
      this.#clear(item);
      if (item.held) this.discard(item);
      else if (item.active) item.state = item.sent ? 'in-doubt' : 'queued';
      item.parked = true;
    }
    this.#parked.set(old, this.items);
    this.items = this.#parked.get(user) ?? [];
    this.#parked.delete(user);
    for (const item of this.items) item.parked = false;
  }

  #append(item: Item): void {
    this.#lastOrder = Math.max(this.#lastOrder + 1, this.#host.platform.now() * 1000);
    item.order = this.#lastOrder;
    this.items = [...this.items, item];
  }

  /** Merges an edit into one of the same thing that was never sent, if nothing between them touches it. */
  #merge(dashboardId: string, op: Op, undo: boolean): Item | undefined {
    const lanes = lanesOf(op);
    for (const item of this.items.toReversed()) {
      if (item.dashboardId !== dashboardId || !item.active || item.held || !meet(item.lanes, lanes)) continue;
      if (item.state === 'blocked' && !overlaps(item, { op })) continue;
      const merged = item.private && item.undo === undo ? mergeOps(item.op as BatchedOp, op as BatchedOp) : undefined;
      if (!merged) return undefined;
      this.update(item, merged);
      if (item.state !== 'draft') this.pump();
      return item;
    }
    return undefined;
  }

  #send(item: Item): boolean {
    const { connection, platform } = this.#host;
    const mostPaths = connection.status.getSnapshot().limits?.paths ?? Number.POSITIVE_INFINITY;
    const paths = countPaths(item.op);
    if (!item.sent && paths > mostPaths) {
      const why = `this change names ${paths} paths, and the server takes ${mostPaths} at most: make several of it`;
      this.reject(item, new DashwireError('LIMIT_EXCEEDED', why));
      return false;
    }
    const { type, ...rest } = item.op;
    const payload = { dashboardId: item.dashboardId, clientId: item.clientId, ...rest };
    const age = Math.max(0, Math.round(platform.monotonic() - item.at));
    const message = { type, id: item.id, age, payload };
    if (connection.send(message)) {
      item.sent = true;
      item.words = null;
      item.attempts++;
      this.#move(item, 'in-flight');
      return true;
    }
    const most = connection.status.getSnapshot().limits?.messageBytes ?? Number.POSITIVE_INFINITY;
    const bytes = new TextEncoder().encode(JSON.stringify(message)).length;
    if (bytes > most) {
      const why = `this change has ${bytes} bytes, and the server takes ${most} at most: make it smaller`;
      this.reject(item, new DashwireError('TOO_LARGE', why));
    }
    return false;
  }

  #wake(item: Item): void {
    this.#clear(item);
    if (item.state === 'waiting') this.#move(item, 'in-doubt');
  }

  #move(item: Item, state: Item['state']): void {
    item.state = state;
    this.#tell(item);
  }

  #tell(item: Item): void {
    item.publish(this.#host.encryption);
    this.#host.changed(item);
  }

  /** Ends the sending of an op that stays in view. */
  #stop(item: Item, state: 'conflicted' | 'rejected'): void {
    this.#clear(item);
    item.revision++;
    this.#move(item, state);
    this.#save(item);
    this.pump();
  }

  #end(item: Item, state: 'settled' | 'discarded', outcome: Omit<Outcome, 'id' | 'state'>): void {
    this.#clear(item);
    item.revision++;
    this.items = this.items.filter((i) => i !== item);
    this.#gone.add(item.id);
    item.state = state;
    this.#tell(item);
    item.finish(outcome);
    if (!item.saving) this.#write(this.#forget(item));
    this.pump();
  }

  #clear(item: Item): void {
    if (item.timer !== undefined) this.#host.platform.clearTimeout(item.timer);
    item.timer = undefined;
  }

  #write(work: Promise<void>): void {
    this.#writes.add(work);
    void work.finally(() => this.#writes.delete(work));
  }

  #save(item: Item): void {
    item.clientId ??= this.#clientId;
    if (this.user === null || item.clientId === null || item.held || item.saving || item.parked) return;
    if (item.written < item.revision && this.items.includes(item)) this.#write(this.#put(item, this.user));
  }

  /** An op is on the disk before it is sent; if the disk takes nothing it is sent all the same. */
  async #put(item: Item, user: string): Promise<void> {
    const { storage, platform, encryption } = this.#host;
    item.saving = true;
    if (encryption) {
      const error = await encryption.seal(item);
      if (item.active) this.#tell(item);
      if (error) {
        item.saving = false; // nothing plain reaches the disk: it stays in view for as long as this page
        item.written = item.revision;
        if (item.active) this.reject(item, error);
        return;
      }
    }
    const { revision } = item;
    const done = await storage.put(this.#kept(item, user));
    item.saving = false;
    item.written = revision;
    if (item.state === 'settled' || item.state === 'discarded') return this.#forget(item);
    if (item.persisted !== done) {
      item.persisted = done;
      this.#tell(item);
    }
    if (!done && storage.wanted && !this.#destroyed) {
      this.#writeTimer ??= platform.setTimeout(() => {
        this.#writeTimer = undefined;
        for (const i of this.items) {
          if (!i.persisted && !i.saving) i.written = Math.min(i.written, i.revision - 1);
          this.#save(i);
        }
      }, retryMs);
    }
    if (item.written < item.revision) this.#save(item);
    else this.pump();
  }

  async #forget(item: Item): Promise<void> {
    if (this.user === null) return;
    if (await this.#host.storage.remove({ ...item, server: this.#host.server, user: this.user }))
      this.#forgotten.push(item.id);
  }

  #kept(item: Item, user: string): KeptOp {
    const { id, dashboardId, clientId, order, op, earlier, label, undo, createdAt, error, clashes } = item;
    const state =
      item.state === 'rejected' && error
        ? { rejected: { code: error.code, message: error.message, path: error.path } }
        : item.state === 'conflicted' && { clashes };
    const server = this.#host.server;
    return {
      server,
      user,
      dashboardId,
      id,
      clientId: clientId ?? '',
      order,
      op,
      earlier,
      label,
      undo,
      createdAt,
      ...state,
    };
  }

  /** Fetches from the disk what this client made before it was loaded anew, and what dead ones left. */
  async #load(user: string): Promise<void> {
    this.#loads++;
    await this.#fetch(user);
    if (--this.#loads > 0) return;
    for (const id of this.#forgotten) this.#gone.delete(id);
    this.#forgotten = [];
  }

  async #fetch(user: string): Promise<void> {
    const { storage, server, platform } = this.#host;
    const own = await this.#host.clientId;
    const kept = await storage.load(server, user);
    await this.#host.encryption?.ready(kept);
    const mine = new Set<string>();
    for (const { clientId, createdAt } of kept) {
      if (mine.has(clientId)) continue;
      const old = !platform.locks && platform.now() - createdAt > abandonedMs;
      if (clientId === own || old || (await this.#claim(clientId))) mine.add(clientId);
    }
    if (this.user !== user || this.#destroyed) return;
    const known = new Set(this.items.map(({ id }) => id));
    const found = kept.filter(({ id, clientId }) => mine.has(clientId) && !known.has(id) && !this.#gone.has(id));
    const items = found.map((op) => this.#revive(op));
    if (items.length === 0) return;
    this.items = [...this.items, ...items].sort(byOrder);
    for (const item of items) this.#host.changed(item);
  }

  #revive(kept: KeptOp): Item {
    const { platform } = this.#host;
    const at = platform.monotonic() - Math.max(0, platform.now() - kept.createdAt);
    const item = new Item({ undo: true, ...kept, at });
    const { rejected, clashes, earlier = [] } = kept;
    item.earlier = earlier;
    item.sent = true;
    item.persisted = true;
    item.written = item.revision;
    item.state = rejected ? 'rejected' : clashes ? 'conflicted' : 'in-doubt';
    item.clashes = clashes ?? [];
    if (rejected) item.error = errorOf(rejected);
    item.publish(this.#host.encryption);
    if (rejected && item.error) item.finish({ error: item.error });
    if (clashes) item.finish({ conflict: item.conflicts[0] });
    return item;
  }

  /** True if that client is dead: then its lock is held here, so that no third one takes its ops too. */
  async #claim(clientId: string): Promise<boolean> {
    const { locks } = this.#host.platform;
    if (this.#adopted.has(clientId)) return true;
    if (!locks || this.#destroyed) return false;
    return new Promise((resolve) => {
      const held = (lock: Lock | null) => {
        if (!lock) return resolve(false);
        return new Promise<void>((release) => {
          this.#adopted.set(clientId, release);
          resolve(true);
        });
      };
      locks.request(this.#host.lockName(clientId), { ifAvailable: true }, held).catch(() => resolve(false));
    });
  }
}

const byOrder = (a: Item, b: Item) => a.order - b.order;

/** Whether an op has to wait until a person has decided on another, made before it. */
function isBehind(item: Item, other: Item): boolean {
  if (item.op.type === 'CONFLICT_RESOLVED' || other.dashboardId !== item.dashboardId) return false;
  return meet(other.lanes, item.lanes) && overlaps(other, item);
}

/** Whether an op touches what another, in conflict or behind one, has paths to; a widget that came or went is all of it. */
function overlaps(other: Item, { op }: { readonly op: Op }): boolean {
  const paths = (op: Op) => partsOf(op).flatMap((part) => pathsOf(part as Patch));
  const field = other.clashes.every(({ part, payload }) => part < 0 && payload.kind === 'field');
  return !field || overlap(paths(other.op), paths(op));
}
