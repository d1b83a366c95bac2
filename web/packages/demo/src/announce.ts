import { type Readable, Store } from '@dashwire/client';

const store = new Store<{ readonly text: string; readonly count: number }>({ text: '', count: 0 });

/** What was last said to those who cannot see it. `count` tells the same words said twice apart. */
export const announcement: Readable<{ readonly text: string; readonly count: number }> = store;

/** Has a screen reader say something, once it is done with what it says. */
export function announce(text: string): void {
  store.set({ text, count: store.getSnapshot().count + 1 });
}
