import { type Readable, Store } from '@dashwire/client';

export interface Toast {
  readonly id: number;
  readonly text: string;
  readonly action?: { readonly label: string; readonly run: () => void };
}

/** How long one stays, in ms; not while the pointer or the focus is on it. */
export const toastMs = 8000;
const most = 3;
const store = new Store<readonly Toast[]>([]);
let made = 0;

/** Newest last. */
export const toasts: Readable<readonly Toast[]> = store;

/** Says something that needs no answer, and offers at most one thing to do about it. */
export function toast(text: string, action?: Toast['action']): void {
  store.set([...store.getSnapshot(), { id: ++made, text, action }].slice(-most));
}

export function dismiss(id: number): void {
  store.set(store.getSnapshot().filter((one) => one.id !== id));
}
