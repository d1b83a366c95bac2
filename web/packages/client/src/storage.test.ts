import 'fake-indexeddb/auto';
import { IDBFactory, IDBObjectStore } from 'fake-indexeddb';
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { connect, openDashboard, until } from '../test/clients.ts';
import { TestLocks } from '../test/locks.ts';
import { platform } from './platform.ts';
import { type KeptOp, OpStorage } from './storage.ts';

const clock = platform();
const server = 'https://example.com/api/realtime';

function op(id: string, more: Partial<KeptOp> = {}): KeptOp {
  const rest = { dashboardId: 'ops', clientId: 'tab', order: 1, label: 'Change it', createdAt: 0 };
  return { server, user: 'ana', id, ...rest, op: { type: 'DASHBOARD_UPDATE', set: { '/n': 1 } }, ...more };
}

afterEach(() => vi.restoreAllMocks());

describe('ops on the disk', () => {
  test('come back in order, of one server and user', async () => {
    const storage = new OpStorage(new IDBFactory(), clock);
    expect(await storage.put(op('b', { order: 2 }))).toBe(true);
    await storage.put(op('a', { order: 1, dashboardId: 'zz' }));
    await storage.put(op('c', { order: 3 }));
    await storage.put(op('d', { user: 'bo' }));
    await storage.put(op('e', { user: 'ana2' }));
    await storage.put(op('f', { server: 'https://other' }));
    await storage.remove(op('c'));
    expect((await storage.load(server, 'ana')).map(({ id }) => id)).toEqual(['a', 'b']);
    expect(storage.status.getSnapshot()).toEqual({ durable: true, full: false, error: null });
    await storage.close();
  });

  test('cannot be kept when the disk is full, and can again later', async () => {
    const storage = new OpStorage(new IDBFactory(), clock);
    await storage.put(op('a'));
    const put = vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('no room', 'QuotaExceededError');
    });
    expect(await storage.put(op('b'))).toBe(false);
    expect(storage.status.getSnapshot()).toMatchObject({ durable: false, full: true, error: { code: 'STORAGE' } });
    await storage.remove(op('a'));
    expect(await storage.load(server, 'ana')).toEqual([]);
    expect(storage.status.getSnapshot().full).toBe(true); // until a write has shown otherwise
    put.mockRestore();
    expect(await storage.put(op('b'))).toBe(true);
    expect(storage.status.getSnapshot()).toEqual({ durable: true, full: false, error: null });
    await storage.close();
  });

  test('cannot be kept where the database is forbidden', async () => {
    const factory = new IDBFactory();
    vi.spyOn(factory, 'open').mockImplementation(() => {
      throw new DOMException('not in this kind of window', 'SecurityError');
    });
    const storage = new OpStorage(factory, clock);
    expect(await storage.load(server, 'ana')).toEqual([]);
    expect(await storage.put(op('a'))).toBe(false);
    expect(storage.status.getSnapshot()).toMatchObject({ durable: false, full: false, error: { code: 'STORAGE' } });
    await storage.close();
  });

  test('cannot be kept in a database that was damaged, or made by a newer version', async () => {
    const factory = new IDBFactory();
    const newer = factory.open('dashwire', 7);
    await new Promise((resolve) => {
      newer.onsuccess = resolve;
    });
    newer.result.close();
    const storage = new OpStorage(factory, clock);
    expect(await storage.put(op('a'))).toBe(false);
    expect(storage.status.getSnapshot().durable).toBe(false);
    await storage.close();
  });

  test('do without a database that does not open in time', async () => {
    const timers: (() => void)[] = [];
    const factory = new IDBFactory();
    vi.spyOn(factory, 'open').mockImplementation(() => ({}) as IDBOpenDBRequest);
    const storage = new OpStorage(factory, { setTimeout: (run) => timers.push(run), clearTimeout: () => {} });
    const put = storage.put(op('a'));
    timers.shift()?.();
    timers.shift()?.();
    expect(await put).toBe(false);
    await storage.close();
  });

  test('survive a connection that the browser breaks', async () => {
    const factory = new IDBFactory();
    const storage = new OpStorage(factory, clock);
    await storage.put(op('a'));
    const wipe = factory.deleteDatabase('dashwire'); // asks all that have it open to let go
    await new Promise((resolve) => {
      wipe.onsuccess = resolve;
    });
    expect(await storage.put(op('b'))).toBe(true);
    expect((await storage.load(server, 'ana')).map(({ id }) => id)).toEqual(['b']);
    await storage.close();
  });

  test('are not kept where nothing is to be kept', async () => {
    const storage = new OpStorage(null, clock);
    expect(storage.wanted).toBe(false);
    expect(await storage.put(op('a'))).toBe(false);
    expect(await storage.load(server, 'ana')).toEqual([]);
    await storage.close();
  });
});

describe('a client', () => {
  let real: TestServer;
  beforeAll(async () => {
    real = await startServer();
  });
  afterAll(() => real.dispose());

  test('says so when the disk is full, sends all the same, and writes when there is room', async () => {
    await using ana = connect(real, { storage: 'indexeddb', platform: { indexedDB: new IDBFactory() } });
    const a = await openDashboard(ana, 'full');
    const problems: string[] = [];
    ana.on('problem', ({ code }) => problems.push(code));
    vi.spyOn(IDBObjectStore.prototype, 'put').mockImplementation(() => {
      throw new DOMException('no room', 'QuotaExceededError');
    });
    expect((await a.updateSettings({ set: { '/n': 1 } }).done).state).toBe('settled');
    ana.setOffline(true);
    a.updateSettings({ set: { '/n': 2 } });
    await until(ana.sync, ({ state }) => state === 'storage-full');
    expect(ana.sync.getSnapshot()).toMatchObject({ durable: false, pending: 1 });
    expect(problems).toEqual(['STORAGE']);
    vi.restoreAllMocks();
    await until(ana.pending, ([first]) => first?.persisted === true);
    expect(ana.sync.getSnapshot()).toMatchObject({ state: 'offline', durable: true });
    ana.setOffline(false);
    expect(await ana.waitForSync({ timeoutMs: 30_000 })).toBe(true);
  });

  test('lets go of the database and of its name at its end, and leaves what is pending', async () => {
    const indexedDB = new IDBFactory();
    const locks = new TestLocks();
    const options = { storage: 'indexeddb', clientId: 'tab', platform: { indexedDB, locks: locks.manager } } as const;
    const ana = connect(real, options);
    const a = await openDashboard(ana, 'end');
    expect([...locks.held]).toEqual(['dashwire:tab']);
    ana.setOffline(true);
    a.updateSettings({ set: { '/n': 1 } }); // it is still being written
    await ana.destroy();
    expect([...locks.held]).toEqual([]);
    const storage = new OpStorage(indexedDB, clock);
    const [kept] = await storage.load(`${real.url}/api/realtime`, 'ana');
    expect(kept).toMatchObject({ dashboardId: 'end', op: { set: { '/n': 1 } } });
    await storage.close();
    const wiped = indexedDB.deleteDatabase('dashwire');
    await new Promise((resolve, reject) => {
      wiped.onsuccess = resolve;
      wiped.onblocked = reject;
    });
  });

  test('an op is on the disk before it is sent', async () => {
    await using ana = connect(real, { storage: 'indexeddb', platform: { indexedDB: new IDBFactory() } });
    const a = await openDashboard(ana, 'first');
    const seen: (readonly [string, boolean])[] = [];
    const { current, done } = a.updateSettings({ set: { '/n': 1 } });
    current.subscribe(() => seen.push([current.getSnapshot().state, current.getSnapshot().persisted]));
    await done;
    expect(seen.find(([state]) => state === 'in-flight')).toEqual(['in-flight', true]);
  });
});
