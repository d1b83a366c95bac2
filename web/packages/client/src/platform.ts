import type { Platform } from './api.ts';

/** What a browser or Node gives, with the parts put in that a test or an unusual host brings along. */
export function platform(given: Partial<Platform> = {}): Platform {
  const { WebSocket, navigator, performance, crypto, document } = globalThis as Partial<typeof globalThis>;
  return {
    WebSocket: WebSocket ?? null,
    fetch: (input, init) => fetch(input, init),
    indexedDB: permitted(() => globalThis.indexedDB),
    locks: navigator?.locks ?? null,
    // Node has one that warns, and knows no tabs.
    sessionStorage: permitted(() => (document ? sessionStorage : null)),
    window: document ? globalThis : null,
    document: document ?? null,
    online: () => navigator?.onLine ?? true,
    now: Date.now,
    monotonic: performance ? () => performance.now() : Date.now,
    random: Math.random,
    newId: () => id(crypto),
    setTimeout: (run, ms) => setTimeout(run, ms) as unknown as number,
    clearTimeout: (timer) => clearTimeout(timer),
    ...given,
  };
}

/** Reading the property throws where a page may not store anything. */
function permitted<T>(read: () => T): T | null {
  try {
    return read() ?? null;
  } catch {
    return null;
  }
}

/** 22 characters, of 126 random bits. `randomUUID` is only there in secure contexts. */
function id(crypto: Crypto | undefined): string {
  const bytes =
    crypto?.getRandomValues(new Uint8Array(21)) ?? Uint8Array.from({ length: 21 }, () => Math.random() * 64);
  return Array.from(bytes, (byte) => letters[byte & 63]).join('');
}

const letters = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';

/** Tells a fault in the app's own code, as one that nobody catches is told; what goes on goes on. */
export function report(error: unknown): void {
  const { reportError = console.error } = globalThis as Partial<typeof globalThis>;
  reportError(error);
}
