/** One sealed value: a compact JWE (RFC 7516) with a key of its own choice of kid, bound to the place that it is for. */
import { CompactEncrypt, compactDecrypt } from 'jose';
import type { Json } from '../json.ts';
import { isSealed } from '../sealing.ts';

/** The format that is written; what begins alike and goes on otherwise is of another version. */
const typ = 'dashwire-field-1';
const alg = 'dir';
const enc = 'A256GCM';
/** Plain text is filled up with spaces to a multiple of so many bytes, so that its length says less. */
const blockBytes = 32;

/** What stands in a sealed value in the open, and cannot be changed without the key. */
export interface Header {
  /** Null = of another version than this library's. */
  readonly kid: string | null;
  readonly place: string;
}

/** Reads the header; null if it is none, which nothing that was sealed here is. */
export function headerOf(sealed: string): Header | null {
  try {
    const text = atob(sealed.slice(0, sealed.indexOf('.')).replaceAll('-', '+').replaceAll('_', '/'));
    const bytes = Uint8Array.from(text, (character) => character.charCodeAt(0));
    const header = JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(bytes)) as Record<string, unknown>;
    const { kid, at } = header;
    if (typeof header.typ !== 'string' || !isSealed(sealed)) return null;
    if (header.typ !== typ) return { kid: null, place: '' };
    return typeof kid === 'string' && typeof at === 'string' ? { kid, place: at } : null;
  } catch {
    return null;
  }
}

/** Each call gives other bytes. */
export function seal(value: Json, place: string, kid: string, key: CryptoKey): Promise<string> {
  const plain = new TextEncoder().encode(JSON.stringify(value));
  const padded = new Uint8Array(Math.ceil(plain.length / blockBytes) * blockBytes).fill(0x20);
  padded.set(plain);
  // `typ` comes first: it is how a sealed value is known.
  return new CompactEncrypt(padded).setProtectedHeader({ typ, alg, enc, kid, at: place }).encrypt(key);
}

/** Rejects if it is not what that key sealed. */
export async function open(sealed: string, key: CryptoKey): Promise<Json> {
  const { plaintext } = await compactDecrypt(sealed, key, {
    keyManagementAlgorithms: [alg],
    contentEncryptionAlgorithms: [enc],
  });
  return JSON.parse(new TextDecoder('utf-8', { fatal: true }).decode(plaintext)) as Json;
}
