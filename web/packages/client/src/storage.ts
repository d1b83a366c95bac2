import type { Platform } from './api.ts';
import { DashwireError } from './errors.ts';
import type { Clash } from './item.ts';
import type { Op } from './operation.ts';
import { Store } from './store.ts';

/** An op as it is kept over reloads: not settled, rejected, or in conflict. */
export interface KeptOp {
  readonly server: string;
  readonly user: string;
  readonly dashboardId: string;
  readonly id: string;
  /** The client that made it. */
  readonly clientId: string;
  /** Ops are sent in this order. */
  readonly order: number;
  readonly op: Op;
  /** What it was before, under the same id; absent = nothing else. */
  readonly earlier?: readonly Op[];
  readonly label: string;
  /** Absent = true. */
  readonly undo?: boolean;
  /** When the edit began, in ms since 1970. */
  readonly createdAt: number;
  readonly rejected?: { readonly code: string; readonly message: string; readonly path?: string };
  readonly clashes?: readonly Clash[];
}

export interface StorageStatus {
  /** False: nothing is kept over a reload. */
  readonly durable: boolean;
  /** The last write failed for want of room. */
  readonly full: boolean;
  readonly error: DashwireError | null;
}

type Clock = Pick<Platform, 'setTimeout' | 'clearTimeout'>;

const table = 'ops';
/** How long a database may take to open before it is done without. */
const openMs = 3000;

/** Where pending ops are kept: IndexedDB, or nowhere if that is not to be had. No method rejects. */
export class OpStorage {
  readonly status: Store<StorageStatus>;
  readonly #factory: IDBFactory | null;
  readonly #name: string;
  readonly #clock: Clock;
  #opening: Promise<IDBDatabase | null> | null = null;
  #db: IDBDatabase | null = null;
  #closed = false;

  constructor(factory: IDBFactory | null, clock: Clock, name = 'dashwire') {
    this.#factory = factory;
    this.#clock = clock;
    this.#name = name;
    this.status = new Store<StorageStatus>({ durable: factory !== null, full: false, error: null });
  }

  /** False: it keeps nothing, as it was told. */
  get wanted(): boolean {
    return this.#factory !== null;
  }

  /** What this user left on this server, in order. */
  async load(server: string, user: string): Promise<readonly KeptOp[]> {
    const all = await this.#run<KeptOp[]>((db) =>
      done(db, 'readonly', (ops) => ops.getAll(IDBKeyRange.bound([server, user], [server, user, []]))),
    );
    return (all ?? []).sort((a, b) => a.order - b.order);
  }

  /** True once it is on the disk. */
  async put(op: KeptOp): Promise<boolean> {
    const kept = (await this.#run((db) => done(db, 'readwrite', (ops) => ops.put(op)))) !== undefined;
    if (kept) this.#tell(true, false, null);
    return kept;
  }

  /** True once the disk does not have it. */
  async remove({
    server,
    user,
    dashboardId,
    id,
  }: Pick<KeptOp, 'server' | 'user' | 'dashboardId' | 'id'>): Promise<boolean> {
    if (!this.#db) return !this.wanted;
    const key = [server, user, dashboardId, id];
    return (await this.#run((db) => done(db, 'readwrite', (ops) => ops.delete(key)).then(() => true))) === true;
  }

  async close(): Promise<void> {
    this.#closed = true;
    await this.#opening;
    this.#db?.close();
    this.#db = null;
  }

  /** A connection that has broken is opened once more. */
  async #run<T>(work: (db: IDBDatabase) => Promise<T>, again = true): Promise<T | undefined> {
    const db = await this.#open();
    if (!db) return undefined;
    try {
      const result = await work(db);
      // Only a write shows that there is room again.
      if (!this.status.getSnapshot().full) this.#tell(true, false, null);
      return result;
    } catch (error) {
      const full = error instanceof Error && error.name === 'QuotaExceededError';
      if (!full && again && !this.#closed) {
        this.#drop(db);
        return this.#run(work, false);
      }
      this.#tell(false, full, error);
      return undefined;
    }
  }

  #open(): Promise<IDBDatabase | null> {
    if (this.#closed || !this.#factory) return Promise.resolve(this.#closed ? null : this.#db);
    this.#opening ??= this.#connect(this.#factory).catch((error: unknown) => {
      this.#opening = null; // the next write tries again
      this.#tell(false, false, error);
      return null;
    });
    return this.#opening;
  }

  #connect(factory: IDBFactory): Promise<IDBDatabase | null> {
    return new Promise((resolve, reject) => {
      const request = factory.open(this.#name, 1);
      let late = false;
      const timer = this.#clock.setTimeout(() => {
        late = true;
        reject(new Error('the database does not open'));
      }, openMs);
      request.onupgradeneeded = () => {
        request.result.createObjectStore(table, { keyPath: ['server', 'user', 'dashboardId', 'id'] });
      };
      request.onerror = () => {
        this.#clock.clearTimeout(timer);
        reject(request.error);
      };
      request.onsuccess = () => {
        this.#clock.clearTimeout(timer);
        const db = request.result;
        db.onversionchange = () => this.#drop(db); // another tab wants to replace or delete it
        db.onclose = () => this.#drop(db);
        if (late || this.#closed) db.close();
        else this.#db = db;
        resolve(this.#db);
      };
    });
  }

  #drop(db: IDBDatabase): void {
    db.close();
    if (this.#db !== db) return;
    this.#db = null;
    this.#opening = null;
  }

  #tell(durable: boolean, full: boolean, cause: unknown): void {
    const now = this.status.getSnapshot();
    if (now.durable === durable && now.full === full) return;
    const why = full
      ? 'This device has no room left: what is not saved yet is lost if this page is closed. Free some space.'
      : 'This browser keeps nothing for this page: what is not saved yet is lost if this page is closed.';
    this.status.set({
      durable,
      full,
      error: durable ? null : new DashwireError('STORAGE', why, { retryable: true, cause }),
    });
  }
}

/** What a request gives; of a write, once it is on the disk. */
function done<T>(db: IDBDatabase, mode: IDBTransactionMode, ask: (ops: IDBObjectStore) => IDBRequest<T>): Promise<T> {
  return new Promise((resolve, reject) => {
    const transaction = db.transaction(table, mode);
    const request = ask(transaction.objectStore(table));
    transaction.onabort = () => reject(transaction.error ?? request.error);
    const told = mode === 'readonly' ? request : transaction;
    told.addEventListener(mode === 'readonly' ? 'success' : 'complete', () => resolve(request.result));
  });
}
