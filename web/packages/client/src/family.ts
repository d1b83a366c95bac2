import { type Readable, Store } from './store.ts';

/** Values by a key, each made when it is first asked for; `read` gives what one is now. */
export class Family<T> {
  readonly #stores = new Map<string, Store<T>>();
  readonly #read: (key: string, before: T | undefined) => T;

  constructor(read: (key: string, before: T | undefined) => T) {
    this.#read = read;
  }

  get(key: string): Readable<T> {
    let store = this.#stores.get(key);
    if (!store) {
      store = new Store(this.#read(key, undefined));
      this.#stores.set(key, store);
    }
    return store;
  }

  /** Reads again what has been asked for of these. */
  update(keys: Iterable<string> = this.#stores.keys()): void {
    for (const key of keys) {
      const store = this.#stores.get(key);
      store?.set(this.#read(key, store.getSnapshot()));
    }
  }
}
