import { canReload } from '@dashwire/react';
import { type ComponentType, type LazyExoticComponent, lazy } from 'react';
import { reloading } from './reload.ts';
import { toast } from './toasts.ts';

/** Between two attempts, in ms; they are made at once when the browser is online again. */
const pause = 5000;

/** Why something does not come: the server cannot be reached, or can, and has it no more. */
export type Lack = 'away' | 'gone';

/** What load gives, as soon as it does: it is called until then. `tell` hears why it does not, again if that changes. */
export async function untilItComes<T>(load: () => Promise<T>, tell?: (lack: Lack) => void): Promise<T> {
  let there = false;
  let told: Lack | undefined;
  for (;;) {
    try {
      return await load();
    } catch {
      const before = there;
      there = await canReload();
      if (there && !before) continue; // it may be back only now
      const lack = there ? 'gone' : 'away';
      if (lack !== told) tell?.(lack);
      told = lack;
      await nextAttempt();
    }
  }
}

function nextAttempt(): Promise<void> {
  return new Promise((resolve) => {
    const go = () => {
      clearTimeout(timer);
      window.removeEventListener('online', go);
      resolve();
    };
    const timer = setTimeout(go, pause);
    window.addEventListener('online', go);
  });
}

/** Says that something which was asked for is not here yet. */
export function tellItIsLate(lack: Lack): void {
  if (lack === 'away') toast('A part of the page needs the server. It comes by itself once you are connected again.');
  else {
    const why = 'A part of the page could not be fetched: the server may have a newer version.';
    toast(`${why} Reload the page to go on; nothing is lost.`, reloading);
  }
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
