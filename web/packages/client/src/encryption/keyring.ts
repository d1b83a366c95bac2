import { DashwireError } from '../errors.ts';
import { report } from '../platform.ts';
import { Store } from '../store.ts';

/** A key of AES-256-GCM: 32 bytes, the same as base64url text, or a CryptoKey, which need not be extractable. */
export type FieldKey = CryptoKey | Uint8Array | string;

export interface KeyRingOptions {
  /** The id of the key to write with; absent = fields can be read only. */
  readonly current?: string;
  /** By id. */
  readonly keys?: Readonly<Record<string, FieldKey>>;
  /** Asked for each id that is not here; null = there is none for this user. What fails counts as that for 10 s. */
  readonly lookup?: (kid: string) => FieldKey | null | Promise<FieldKey | null>;
}

export interface KeyRingState {
  readonly current: string | null;
  /** The ids of the keys that are here. */
  readonly known: readonly string[];
  /** The ids of keys that were wanted and are not to be had. */
  readonly missing: readonly string[];
}

/** How long a lookup that failed is not tried again. */
const failedMs = 10_000;

/** The keys of one person on one page. They are in memory only; where they come from and where they are kept is the app's. */
export class KeyRing {
  readonly state: Store<KeyRingState>;
  readonly #lookup: KeyRingOptions['lookup'];
  readonly #keys = new Map<string, Promise<CryptoKey>>();
  readonly #asked = new Map<string, Promise<void>>();
  /** Not to be had; until when, by `performance.now()`. */
  readonly #missing = new Map<string, number>();
  #current: string | null;

  /** Throws `INVALID` for what is no key. */
  constructor({ current, keys = {}, lookup }: KeyRingOptions) {
    this.#lookup = lookup;
    this.#current = current ?? null;
    for (const [kid, key] of Object.entries(keys)) this.#keys.set(checked(kid), imported(kid, key));
    this.state = new Store(this.#state());
  }

  get current(): string | null {
    return this.#current;
  }

  /** A key that is here or can be asked for. */
  get writes(): boolean {
    const kid = this.#current;
    return kid !== null && isSecure() && (this.#keys.has(kid) || (!!this.#lookup && !this.#isMissing(kid)));
  }

  /** Takes a key, and opens what waited for it; `current`: writes with it from now on. Throws `INVALID` for what is no key. */
  add(kid: string, key: FieldKey, { current = false }: { current?: boolean } = {}): void {
    this.#keys.set(checked(kid), imported(kid, key));
    this.#missing.delete(kid);
    if (current) this.#current = kid;
    this.#tell();
  }

  /** Writes with another key from now on; null = not at all. */
  use(kid: string | null): void {
    this.#current = kid;
    this.#tell();
  }

  /** Asks again for the keys that were not to be had. */
  retry(): void {
    this.#missing.clear();
    this.#tell();
  }

  /** Forgets a key: what it opened is locked again, and the key is not looked up before `retry`. */
  remove(kid: string): void {
    this.#keys.delete(kid);
    this.#missing.set(kid, Number.POSITIVE_INFINITY);
    if (this.#current === kid) this.#current = null;
    this.#tell();
  }

  /** Undefined: not here, and `want` may bring it. */
  get(kid: string): Promise<CryptoKey> | undefined {
    return isSecure() ? this.#keys.get(kid) : undefined;
  }

  /** Asks for a key that is not here; undefined: there is nobody to ask, or it is not to be had. */
  want(kid: string): Promise<void> | undefined {
    if (!this.#lookup || this.#isMissing(kid) || !isSecure()) {
      if (this.#missing.has(kid)) return undefined;
      this.#missing.set(kid, Number.POSITIVE_INFINITY);
      this.#tell();
      return undefined;
    }
    const asked = this.#asked.get(kid) ?? this.#ask(kid, this.#lookup);
    this.#asked.set(kid, asked);
    return asked;
  }

  async #ask(kid: string, lookup: NonNullable<KeyRingOptions['lookup']>): Promise<void> {
    try {
      const key = await lookup(kid);
      if (this.#keys.has(kid) || this.#missing.has(kid)) return; // it was added or removed meanwhile
      if (key === null) this.#missing.set(kid, Number.POSITIVE_INFINITY);
      else {
        this.#keys.set(kid, imported(kid, key));
        this.#missing.delete(kid);
      }
    } catch (error) {
      this.#missing.set(kid, performance.now() + failedMs);
      report(error);
    } finally {
      this.#asked.delete(kid);
      this.#tell();
    }
  }

  #isMissing(kid: string): boolean {
    return performance.now() < (this.#missing.get(kid) ?? 0);
  }

  #state(): KeyRingState {
    return { current: this.#current, known: [...this.#keys.keys()], missing: [...this.#missing.keys()] };
  }

  #tell(): void {
    this.state.set(this.#state());
  }
}

/** Pages over plain HTTP, apart from this machine's own, have no cryptography. */
export const isSecure = (): boolean => (globalThis as Partial<typeof globalThis>).crypto?.subtle !== undefined;

/** 32 random bytes as text, to be kept where an app keeps its secrets. */
export function newKey(): string {
  const bytes = crypto.getRandomValues(new Uint8Array(32));
  return btoa(String.fromCharCode(...bytes))
    .replaceAll('+', '-')
    .replaceAll('/', '_')
    .replaceAll('=', '');
}

/**
 * A key from words that people know (PBKDF2 with SHA-256). The salt is no secret and must be the same for all who use the
 * words: the name of a team, say. Good words are long: somebody who has the ciphertext can try them without end.
 */
export async function passphraseKey(passphrase: string, salt: string, iterations = 600_000): Promise<CryptoKey> {
  if (!isSecure()) throw unsafe();
  const text = new TextEncoder();
  const words = await crypto.subtle.importKey('raw', text.encode(passphrase.normalize('NFC')), 'PBKDF2', false, [
    'deriveKey',
  ]);
  const how = { name: 'PBKDF2', hash: 'SHA-256', salt: text.encode(salt), iterations };
  return crypto.subtle.deriveKey(how, words, { name: 'AES-GCM', length: 256 }, false, ['encrypt', 'decrypt']);
}

export const unsafe = (): DashwireError =>
  new DashwireError('LOCKED', 'a browser encrypts only on pages that came over https: open this page so');

function checked(kid: string): string {
  if (/^[\x21-\x7e]{1,128}$/.test(kid)) return kid;
  throw new DashwireError('INVALID', `the id of a key is 1 to 128 visible characters: ${JSON.stringify(kid)}`);
}

function imported(kid: string, key: FieldKey): Promise<CryptoKey> {
  const refuse = (what: string): never => {
    throw new DashwireError('INVALID', `the key ${kid} is ${what}: 32 bytes for AES-256-GCM are wanted`);
  };
  if (key instanceof Uint8Array || typeof key === 'string') {
    const bytes = typeof key === 'string' ? decoded(key) : Uint8Array.from(key);
    if (bytes?.length !== 32) return refuse(bytes ? `${bytes.length} bytes long` : 'no base64url text');
    if (!isSecure()) return never;
    return crypto.subtle.importKey('raw', bytes, 'AES-GCM', false, ['encrypt', 'decrypt']);
  }
  const { name, length } = key.algorithm as AesKeyAlgorithm;
  if (name !== 'AES-GCM' || length !== 256) refuse(`for ${name}`);
  return Promise.resolve(key);
}

/** Nobody asks for it on a page that has no cryptography. */
const never = new Promise<CryptoKey>(() => {});

function decoded(text: string): Uint8Array<ArrayBuffer> | undefined {
  if (!/^[\w-]+$/.test(text) || text.length % 4 === 1) return undefined;
  const bytes = atob(text.replaceAll('-', '+').replaceAll('_', '/'));
  return Uint8Array.from(bytes, (character) => character.charCodeAt(0));
}
