import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { toast } from './toasts.ts';

/** Between two attempts, in ms: the server restarts, or the network is away. */
const pause = 5000;

/** What load gives, as soon as it does: it is called until then. `failed` hears of the first failure alone. */
export async function untilItComes<T>(load: () => Promise<T>, failed?: () => void): Promise<T> {
  for (let first = true; ; first = false) {
    try {
      return await load();
    } catch {
      if (first) failed?.();
      await new Promise((resolve) => setTimeout(resolve, pause));
    }
  }
}

/** Says that something which was asked for is not here yet. */
export function tellItIsLate(): void {
  toast('A part of the page could not be fetched. It is shown as soon as it can be; nothing is lost.', {
    label: 'Reload',
    run: () => window.location.reload(),
  });
}

const loads: (() => Promise<unknown>)[] = [];

/** A component that is fetched apart from the first view, once. What fails is fetched again until it comes. */
export function later<P extends object>(load: () => Promise<ComponentType<P>>): LazyExoticComponent<ComponentType<P>> {
  loads.push(load);
  return lazy(async () => ({ default: await untilItComes(load, tellItIsLate) }));
}

/** Fetches all of these, each once: what fails now is fetched again when it is wanted. */
export function fetchLater(): void {
  void Promise.allSettled(loads.map((load) => load()));
}
