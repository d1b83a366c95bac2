import { type Readable, Store } from '@dashwire/client';
import { createEncryption, passphraseKey } from '@dashwire/client/encryption';

/**
 * Private texts: one field of a note that only those read who know the words. The key is made of the words in this browser and
 * kept in it, where no script can read it out; the words are not kept.
 */
export const encryption = createEncryption({
  fields: { widgets: { text: ['/config/private'] } },
  keys: { lookup: async (kid) => (await kept())?.find((one) => one.kid === kid)?.key ?? null },
});

interface KeptKey {
  readonly kid: string;
  readonly key: CryptoKey;
  /** When the words were given, in ms since 1970. */
  readonly at: number;
}

/** Somebody is asked for the words; `kid` is the key that is wanted, if it is a certain one. */
const asked = new Store<{ readonly kid: string | null } | null>(null);
export const wordsAsked: Readable<{ readonly kid: string | null } | null> = asked;

export function askWords(kid: string | null = null): void {
  asked.set({ kid });
}

export function closeWords(): void {
  asked.set(null);
}

/** Writes with the key that was kept here last. */
export async function restoreKey(): Promise<void> {
  const last = (await kept())?.toSorted((a, b) => a.at - b.at).at(-1);
  if (last && encryption.keys.current === null) encryption.keys.add(last.kid, last.key, { current: true });
}

/** Makes the key of the words and opens what it opens. False: what is wanted was not encrypted with these words. */
export async function unlock(words: string, wanted: string | null): Promise<boolean> {
  const [kid, key] = await Promise.all([nameOf(words), passphraseKey(words, salt)]);
  if (wanted !== null && kid !== wanted) return false;
  encryption.keys.add(kid, key, { current: true });
  await inStore('readwrite', (store) => store.put({ kid, key, at: Date.now() } satisfies KeptKey));
  return true;
}

/** Forgets all keys of this browser. */
export async function lock(): Promise<void> {
  await inStore('readwrite', (store) => store.clear());
  for (const kid of encryption.keys.state.getSnapshot().known) encryption.keys.remove(kid);
}

/** No secret, and the same for everybody: what protects is how long the words are. */
const salt = 'dashwire private texts';
const rounds = 600_000;

/** The same words have the same name, which says no more of them than what they encrypt. */
async function nameOf(words: string): Promise<string> {
  const text = new TextEncoder();
  const { subtle } = crypto;
  const from = await subtle.importKey('raw', text.encode(words.normalize('NFC')), 'PBKDF2', false, ['deriveBits']);
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt: text.encode(`${salt}, name`), iterations: rounds };
  const bits = await subtle.deriveBits(how, from, 64);
  return `words-${Array.from(new Uint8Array(bits), (byte) => byte.toString(16).padStart(2, '0')).join('')}`;
}

/** undefined: this browser keeps nothing for this page. */
async function kept(): Promise<readonly KeptKey[] | undefined> {
  return inStore('readonly', (store) => store.getAll() as IDBRequest<KeptKey[]>);
}

/** What a request gives; undefined where there is no database to be had. */
function inStore<T>(mode: IDBTransactionMode, ask: (store: IDBObjectStore) => IDBRequest<T>): Promise<T | undefined> {
  return new Promise((resolve) => {
    try {
      const opening = indexedDB.open('dashwire-keys', 1);
      opening.onupgradeneeded = () => opening.result.createObjectStore('keys', { keyPath: 'kid' });
      opening.onerror = () => resolve(undefined);
      opening.onsuccess = () => {
        const db = opening.result;
        const work = db.transaction('keys', mode);
        const request = ask(work.objectStore('keys'));
        const end = (result: T | undefined) => {
          db.close();
          resolve(result);
        };
        work.oncomplete = () => end(request.result);
        work.onabort = () => end(undefined);
      };
    } catch {
      resolve(undefined);
    }
  });
}
