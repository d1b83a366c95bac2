/** Web Locks of one origin, for tests of several tabs: exclusive, and as far as the client uses them. */
export class TestLocks {
  readonly held = new Set<string>();

  request = async (name: string, _: LockOptions, run: (lock: Lock | null) => unknown): Promise<unknown> => {
    if (this.held.has(name)) return run(null);
    this.held.add(name);
    try {
      return await run({ name, mode: 'exclusive' });
    } finally {
      this.held.delete(name);
    }
  };

  get manager(): LockManager {
    return this as unknown as LockManager;
  }
}
