/** End-to-end encrypted fields for `@dashwire/client`: values that the server and its disk see only encrypted. */
export { isLocked, type Locked } from '../sealing.ts';
export { createEncryption, type EncryptionOptions, type FieldEncryption } from './encryption.ts';
export {
  type FieldKey,
  KeyRing,
  type KeyRingOptions,
  type KeyRingState,
  newKey,
  passphraseKey,
} from './keyring.ts';
export type { FieldPatterns } from './place.ts';
export type { Reencrypted, ReencryptOptions } from './reencrypt.ts';
