import type {
  ClientEvents,
  ClientOptions,
  Conflict,
  DashwireClient,
  Operation,
  PendingOperation,
  SyncStatus,
} from './api.ts';
import { createConnection } from './connection.ts';
import { DashboardCore } from './dashboard.ts';
import { endpoints } from './endpoint.ts';
import { DashwireError, errorOf } from './errors.ts';
import type { Host } from './host.ts';
import { claimIdentity, lockOf } from './identity.ts';
import type { Item } from './item.ts';
import type { ServerMessage } from './message.ts';
import type { BatchedOp, Op } from './operation.ts';
import { Outbox } from './outbox.ts';
import { part } from './part.ts';
import { platform as platformOf, report } from './platform.ts';
import { type Choice, resolution } from './resolve.ts';
import type { Rest } from './rest.ts';
import { OpStorage } from './storage.ts';
import { Store } from './store.ts';
import { wordFor } from './sync.ts';

/** How long a dashboard that nobody has open any more stays subscribed, in ms. */
const lingerMs = 1000;

/** Makes a client of a server. It connects at once, unless told otherwise; call `destroy` when it is done with. */
export function createClient(options: ClientOptions = {}): DashwireClient {
  const platform = platformOf(options.platform);
  const addresses = endpoints(options.url);
  const identity = claimIdentity(platform, options.clientId);
  const clientId = identity.then((own) => own.clientId);
  const { userId, token, encryption } = options;
  const connection = createConnection({ endpoints: addresses, platform, clientId, userId, token });
  const storage = new OpStorage(options.storage === 'memory' ? null : platform.indexedDB, platform);
  const leaving = new AbortController();
  const cores = new Map<string, DashboardCore>();
  const listeners = new Map<string, Set<(value: never) => void>>();
  const pending = new Store<readonly PendingOperation[]>([]);
  const conflicts = new Store<readonly Conflict[]>([]);
  let open = false;
  let everLive = false;
  let pendingSince: number | null = null;
  let destroyed: Promise<void> | undefined;

  const outbox = new Outbox({
    platform,
    connection,
    storage,
    encryption,
    clientId,
    server: addresses.realtime.href,
    draftMs: options.draftMs ?? 100,
    lockName: lockOf,
    ready: (id) => open && cores.get(id)?.ready === true,
    changed(item) {
      (item.active ? core(item.dashboardId) : cores.get(item.dashboardId))?.changed(item);
      tell();
      prune(item.dashboardId);
    },
    replaced() {
      for (const one of cores.values()) one.replaced();
      tell();
    },
  });

  const host: Host = {
    platform,
    outbox,
    encryption,
    send(type, payload) {
      const id = platform.newId();
      return open && connection.send({ type, id, payload }) ? id : null;
    },
    follow() {
      connection.follow(new Map([...cores].map(([id, { replica }]) => [id, replica.place])));
    },
    synced() {
      settle();
      outbox.pump();
    },
    entry(entry) {
      const { overwrote = [] } = entry;
      const lost = overwrote.some(({ author }) => author.userId === outbox.user && author.clientId === ownId);
      if (lost) emit('overwritten', { dashboardId: entry.dashboardId, entryId: entry.id, overwrote, mine: false });
      emit('entry', entry);
    },
  };

  let ownId: string | undefined;
  void clientId.then((id) => {
    ownId = id;
  });
  const sync = new Store<SyncStatus>(status());
  const unsubscribe = [connection.status.subscribe(tell), storage.status.subscribe(storageChanged)];
  if (userId !== undefined && !token) void outbox.identify(userId);
  if (options.connect ?? true) start();

  function start(): void {
    if (destroyed) return;
    const events = { opened, received, lost };
    connection.start(encryption?.follow(events, outbox.publish) ?? events);
  }

  function opened(): void {
    open = true;
    const { userId: user } = connection.status.getSnapshot();
    void outbox.opened(user ?? '');
    for (const one of cores.values()) one.request();
    settle();
  }

  function lost(): void {
    open = false;
    for (const one of cores.values()) one.lost();
    outbox.lost();
  }

  function received(message: ServerMessage): void {
    switch (message.kind) {
      case 'sync-response':
        cores.get(message.response.dashboardId)?.response(message.correlationId, message.response);
        break;
      case 'sync-update':
        cores.get(message.dashboardId)?.update(message);
        break;
      case 'entry':
        cores.get(message.entry.dashboardId)?.entry(message.entry);
        break;
      case 'closed':
        cores.get(message.dashboardId)?.closed(message.closed);
        settle();
        break;
      case 'role':
        cores.get(message.dashboardId)?.views.set({ role: message.role });
        settle();
        break;
      case 'presence':
        cores.get(message.dashboardId)?.views.people.apply(message);
        break;
      case 'data':
        cores.get(message.dashboardId)?.views.values.apply(message.values);
        break;
      case 'app-message':
        emit('app-message', { name: message.name, data: message.data });
        break;
      case 'unknown':
        emit('problem', new DashwireError('BAD_MESSAGE', message.problem));
        break;
      case 'ack':
      case 'nack':
      case 'conflict':
        answered(message, outbox.get(message.correlationId ?? ''));
    }
  }

  function answered(message: ServerMessage, item: Item | undefined): void {
    if (message.kind === 'ack' && item) {
      const { ack } = message;
      core(item.dashboardId).ack(item, ack);
      if (!ack.overwrote) return;
      emit('overwritten', { dashboardId: ack.dashboardId, entryId: item.id, overwrote: ack.overwrote, mine: true });
    } else if (message.kind === 'conflict' && item) {
      outbox.conflicted(item, [{ part: -1, conflict: message.conflict }]);
    } else if (message.kind === 'nack') {
      if (item) outbox.refused(item, message.nack);
      else if (![...cores.values()].some((one) => one.refused(message.correlationId, message.nack))) {
        emit('problem', errorOf(message.nack));
      }
    }
  }

  /** Tells the connection how far the dashboards are. */
  function settle(): void {
    if (!open) return;
    const all = [...cores.values()];
    if (all.some(({ ready, status }) => !ready && status !== 'deleted' && status !== 'forbidden')) {
      connection.settle('catching-up');
      return;
    }
    const roles = all.flatMap(({ views }) => views.state.getSnapshot().role ?? []);
    const reading = roles.length > 0 && roles.every((role) => role === 'viewer' || role === 'feeder');
    connection.settle(reading ? 'read-only' : 'live');
  }

  function core(id: string): DashboardCore {
    let one = cores.get(id);
    if (!one) {
      one = new DashboardCore(host, id);
      cores.set(id, one);
      if (open) one.request();
      settle();
    }
    return one;
  }

  /** Ends a subscription that nobody needs any more. */
  function prune(id: string): void {
    const one = cores.get(id);
    if (!one || one.handles > 0 || one.lingering !== undefined || destroyed) return;
    one.lingering = platform.setTimeout(() => {
      one.lingering = undefined;
      if (one.handles > 0 || outbox.items.some((item) => item.active && item.dashboardId === id)) return;
      one.end();
      cores.delete(id);
      if (one.synced) host.send('SYNC_REQUEST', { dashboardId: id, unsubscribe: true });
      host.follow();
      settle();
    }, lingerMs);
  }

  function emit<E extends keyof ClientEvents>(event: E, value: ClientEvents[E]): void {
    for (const listener of [...(listeners.get(event) ?? [])]) {
      try {
        (listener as (value: ClientEvents[E]) => void)(value);
      } catch (error) {
        report(error);
      }
    }
  }

  function storageChanged(): void {
    const { error } = storage.status.getSnapshot();
    if (error) emit('problem', error);
    tell();
  }

  function tell(): void {
    pending.set(outbox.items.map(({ current }) => current.getSnapshot()));
    const open = outbox.items.flatMap((item) => item.conflicts);
    if (open.length > 0 || conflicts.getSnapshot().length > 0) conflicts.set(open);
    sync.update(status());
  }

  function status(): SyncStatus {
    const { items, lastSavedAt } = outbox;
    const active = items.filter((item) => item.active);
    pendingSince = active.length === 0 ? null : (pendingSince ?? platform.now());
    const rejected = items.filter(({ state }) => state === 'rejected').length;
    const conflicted = items.reduce((n, item) => n + item.conflicts.length, 0);
    const { durable, full } = storage.status.getSnapshot();
    const line = connection.status.getSnapshot().state;
    everLive ||= line === 'live' || line === 'read-only' || line === 'fallback';
    const unsafe = full && items.some(({ persisted }) => !persisted);
    return {
      state: wordFor(line, everLive, { unsafe, conflicts: conflicted, rejected, pending: active.length }),
      pending: active.length,
      conflicts: conflicted,
      rejected,
      pendingSince,
      lastSavedAt,
      durable: durable && (outbox.user !== null || active.length === 0),
    };
  }

  function resolve(id: string, choice: Choice): Operation | undefined {
    const item = outbox.items.find((one) => one.conflicts.some((conflict) => conflict.id === id));
    if (!item) return undefined;
    const clashes = item.clashes.map((clash) => (clash.id === id ? { ...clash, choice } : clash));
    if (clashes.some((clash) => clash.choice === undefined)) {
      outbox.decided(item, clashes);
      return undefined;
    }
    return replace(item, resolution(item.op, clashes, core(item.dashboardId).replica.view));
  }

  /** Sends another op in the place of one that is stuck. */
  function replace(item: Item, op: Op | null): Operation | undefined {
    const { label, order, undo } = item;
    const next = op && core(item.dashboardId).submit(op, { label, order, undo });
    outbox.discard(item);
    return next?.operation;
  }

  async function waitForSync({ timeoutMs, signal }: Parameters<DashwireClient['waitForSync']>[0] = {}) {
    await outbox.loaded();
    const isSynced = () => sync.getSnapshot().pending === 0;
    const ends = signal ? [signal, leaving.signal] : [leaving.signal];
    if (isSynced() || ends.some((end) => end.aborted)) return isSynced();
    return new Promise<boolean>((resolve) => {
      const done = () => {
        stop();
        platform.clearTimeout(timer ?? 0);
        for (const end of ends) end.removeEventListener('abort', done);
        resolve(isSynced());
      };
      const stop = sync.subscribe(() => isSynced() && done());
      const timer = timeoutMs === undefined ? undefined : platform.setTimeout(done, timeoutMs);
      for (const end of ends) end.addEventListener('abort', done);
    });
  }

  /** Calls over REST, which is fetched for the first of them. */
  function overRest<T, K extends keyof T & string>(names: readonly K[], of: (rest: Rest) => T): Pick<T, K> {
    const call = async (name: K, given: unknown[]) => {
      const { createRest } = await part(import('./rest.ts'));
      const { signal } = leaving;
      const made = (id: string) => cores.get(id)?.revive();
      const api = of(createRest({ endpoints: addresses, platform, userId, token, clientId, signal, made }));
      return (api[name] as (...given: unknown[]) => unknown)(...given);
    };
    const calls = names.map((name) => [name, (...given: unknown[]) => call(name, given)]);
    return Object.fromEntries(calls) as Pick<T, K>;
  }

  async function end(): Promise<void> {
    leaving.abort();
    await connection.stop();
    open = false;
    for (const one of cores.values()) one.end();
    await outbox.destroy();
    await storage.close();
    for (const stop of unsubscribe) stop();
    (await identity).release();
  }

  const client: DashwireClient = {
    connection: connection.status,
    sync,
    pending,
    conflicts,
    dashboards: overRest(
      ['list', 'get', 'create', 'duplicate', 'delete', 'undelete', 'import', 'export'],
      ({ dashboards }) => dashboards,
    ),
    dashboard(id) {
      const one = core(id);
      one.handles++;
      platform.clearTimeout(one.lingering ?? 0);
      one.lingering = undefined;
      let closed = false;
      return {
        ...one.handle(),
        ...overRest(['history', 'versionAt', 'nameVersion', 'restore'], (rest) => rest.dashboard(id)),
        close() {
          if (closed) return;
          closed = true;
          one.handles--;
          prune(id);
        },
      };
    },
    setOffline: (offline) => connection.setOffline(offline),
    reconnect() {
      start();
      connection.reconnect();
    },
    retry(id) {
      const item = outbox.get(id);
      return item?.state === 'rejected' ? replace(item, fresh(item.op)) : undefined;
    },
    discard(id) {
      const item = outbox.get(id);
      return item !== undefined && outbox.discard(item);
    },
    resolve,
    waitForSync,
    on(event, listener) {
      const all = listeners.get(event) ?? new Set();
      listeners.set(event, all.add(listener as (value: never) => void));
      return () => all.delete(listener as (value: never) => void);
    },
    destroy() {
      destroyed ??= end();
      return destroyed;
    },
  };
  return encryption?.wrap(client) ?? client;
}

/** The op as it would be made now. */
function fresh(op: Op): Op {
  const { baseVersion: _, epoch: __, prev: ___, ...rest } = op;
  if (rest.type !== 'WIDGET_BATCH') return rest as Op;
  return { ...rest, operations: rest.operations.map((part) => fresh(part) as BatchedOp) };
}
