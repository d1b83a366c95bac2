import { report } from './platform.ts';

/**
 * A value that changes: what a view reads. `getSnapshot` returns the same object until the value has changed, so that
 * `useSyncExternalStore` and the like can compare by identity.
 */
export interface Readable<T> {
  getSnapshot(): T;
  /** Calls back after each change, in no particular order among listeners; returns how to stop. */
  subscribe(listener: () => void): () => void;
}

/** A {@link Readable} whose owner sets it. A listener that throws does not keep the others from hearing. */
export class Store<T> implements Readable<T> {
  #value: T;
  readonly #listeners = new Set<() => void>();

  constructor(value: T) {
    this.#value = value;
  }

  getSnapshot = (): T => this.#value;

  subscribe = (listener: () => void): (() => void) => {
    const own = () => listener(); // the same function may subscribe twice
    this.#listeners.add(own);
    return () => {
      this.#listeners.delete(own);
    };
  };

  /** Sets the value and tells everybody, unless it is the same one. */
  set(value: T): void {
    if (Object.is(value, this.#value)) return;
    this.#value = value;
    for (const listener of [...this.#listeners]) {
      try {
        listener();
      } catch (error) {
        report(error);
      }
    }
  }

  /** Sets the value unless all of its members are the same. */
  update(value: T): void {
    if ((Object.keys(value as object) as (keyof T)[]).some((key) => value[key] !== this.#value[key])) this.set(value);
  }

  /** How many listen. */
  get watched(): number {
    return this.#listeners.size;
  }
}
