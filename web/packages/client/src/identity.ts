import type { Platform } from './api.ts';

/** Who this tab is among the clients of its user (C6). */
export interface Identity {
  readonly clientId: string;
  /** Lets another tab take the name, and what it left behind. */
  release(): void;
}

/** The Web Lock that a tab holds for as long as it is this client. An op whose client nobody holds may be adopted. */
export const lockOf = (clientId: string): string => `dashwire:${clientId}`;

/**
 * The clientId of this tab, kept over reloads and held by a Web Lock: a duplicated tab, which has a copy of the storage,
 * finds the lock taken and makes a new one. A `given` id is used even so. Without locks or storage an id lasts as long as
 * the page.
 */
export async function claimIdentity(
  { locks, sessionStorage, newId }: Pick<Platform, 'locks' | 'sessionStorage' | 'newId'>,
  given?: string,
): Promise<Identity> {
  let clientId = given ?? read() ?? newId();
  let release = await hold(clientId);
  if (!release && !given) {
    clientId = newId();
    release = await hold(clientId);
  }
  if (!given) {
    try {
      sessionStorage?.setItem(storageKey, clientId);
    } catch {
      // A full or forbidden storage: the id lasts as long as the page.
    }
  }
  return { clientId, release: release ?? (() => {}) };

  function read(): string | undefined {
    try {
      const kept = sessionStorage?.getItem(storageKey);
      return kept && /^[\w.:-]{1,128}$/.test(kept) ? kept : undefined; // D2
    } catch {
      return undefined;
    }
  }

  /** Undefined: another tab has it. */
  function hold(clientId: string): Promise<(() => void) | undefined> {
    return new Promise((resolve) => {
      if (!locks) return resolve(() => {});
      locks
        .request(lockOf(clientId), { ifAvailable: true }, (lock) => {
          if (!lock) return resolve(undefined);
          return new Promise<void>((release) => resolve(release));
        })
        .catch(() => resolve(() => {})); // no locks in this kind of page
    });
  }
}

const storageKey = 'dashwire:clientId';
