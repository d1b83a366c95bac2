import { expect, test } from 'vitest';
import { claimIdentity, lockOf } from './identity.ts';
import { platform } from './platform.ts';

/** The storage of one tab; a duplicated tab begins with a copy. */
class TabStorage {
  readonly items: Map<string, string>;
  constructor(items: Iterable<readonly [string, string]> = []) {
    this.items = new Map(items);
  }
  getItem = (key: string) => this.items.get(key) ?? null;
  setItem = (key: string, value: string) => {
    this.items.set(key, value);
  };
}

/** Web Locks as the specification has them, as far as `ifAvailable` goes: Node 22 has none. */
function lockManager() {
  const held = new Set<string>();
  return {
    held,
    locks: {
      request: async (name: string, _: LockOptions, work: (lock: Lock | null) => unknown) => {
        if (held.has(name)) return work(null);
        held.add(name);
        try {
          return await work({ name, mode: 'exclusive' } as Lock);
        } finally {
          held.delete(name);
        }
      },
    } as unknown as LockManager,
  };
}

test('C6 a tab keeps its name over a reload', async () => {
  const { locks, held } = lockManager();
  const sessionStorage = new TabStorage();
  const before = await claimIdentity(platform({ locks, sessionStorage }));
  expect(held).toContain(lockOf(before.clientId));
  before.release();
  await expect.poll(() => held.size).toBe(0);
  const after = await claimIdentity(platform({ locks, sessionStorage }));
  expect(after.clientId).toBe(before.clientId);
});

test('C6 a duplicated tab takes a name of its own, and keeps that', async () => {
  const { locks, held } = lockManager();
  const first = new TabStorage();
  const original = await claimIdentity(platform({ locks, sessionStorage: first }));
  const second = new TabStorage(first.items);
  const copy = await claimIdentity(platform({ locks, sessionStorage: second }));
  expect(copy.clientId).not.toBe(original.clientId);
  copy.release();
  await expect.poll(() => held.size).toBe(1);
  expect((await claimIdentity(platform({ locks, sessionStorage: second }))).clientId).toBe(copy.clientId);
});

test('a name that is given is used though it is held', async () => {
  const { locks } = lockManager();
  const sessionStorage = new TabStorage();
  await claimIdentity(platform({ locks, sessionStorage }), 'wall-1');
  expect((await claimIdentity(platform({ locks, sessionStorage }), 'wall-1')).clientId).toBe('wall-1');
  expect(sessionStorage.items.size).toBe(0);
});

test('D2 a kept name that is none is not used', async () => {
  const sessionStorage = new TabStorage([['dashwire:clientId', 'a/b']]);
  const { clientId } = await claimIdentity(platform({ locks: null, sessionStorage }));
  expect(clientId).toMatch(/^[\w.:-]{20,128}$/);
});

test('works without locks and storage, and with ones that throw', async () => {
  const none = await claimIdentity(platform({ locks: null, sessionStorage: null }));
  none.release();
  const forbidden = {
    getItem: () => {
      throw new Error('forbidden');
    },
    setItem: () => {
      throw new Error('full');
    },
  };
  const locks = { request: () => Promise.reject(new Error('not in a secure context')) } as unknown as LockManager;
  const some = await claimIdentity(platform({ locks, sessionStorage: forbidden }));
  some.release();
  expect(some.clientId).not.toBe(none.clientId);
});
