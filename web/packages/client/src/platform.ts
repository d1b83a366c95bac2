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

/** 25 characters, of 125 random bits. `randomUUID` is only there in secure contexts. */
function id(crypto: Crypto | undefined): string {
  const bytes = new Uint8Array(25);
  return Array.from(crypto?.getRandomValues(bytes) ?? bytes.map(() => Math.random() * 32), (byte) =>
    (byte & 31).toString(32),
  ).join('');
}

/** Tells a fault in the app's own code, as one that nobody catches is told; what goes on goes on. */
export function report(error: unknown): void {
  const { reportError = console.error } = globalThis as Partial<typeof globalThis>;
  reportError(error);
}
