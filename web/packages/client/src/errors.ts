/** The codes of the server (docs/PROTOCOL.md, "Codes") and those of the client itself. */
export type ErrorCode =
  | 'BAD_MESSAGE'
  | 'UNKNOWN_TYPE'
  | 'INVALID_ID'
  | 'INVALID_VALUE'
  | 'PATH'
  | 'INVALID_LAYOUT'
  | 'BAD_VERSION'
  | 'UNAUTHENTICATED'
  | 'FORBIDDEN'
  | 'NOT_FOUND'
  | 'GONE'
  | 'EXISTS'
  | 'ID_REUSED'
  | 'CONFLICT'
  | 'BATCH_REFUSED'
  | 'TOO_LARGE'
  | 'LIMIT_EXCEEDED'
  | 'INVALID'
  | 'RATE_LIMITED'
  | 'UNAVAILABLE'
  | 'INTERNAL'
  /** The network, or the server's end of it. */
  | 'NETWORK'
  /** This device keeps nothing more: full, or forbidden. */
  | 'STORAGE'
  /** A field is encrypted, and this page has no key for it. */
  | 'LOCKED'
  /** The client was destroyed. */
  | 'CLOSED'
  /** A code of a newer server. */
  | (string & {});

/** Every error of this library. `message` is for people and says what to do. */
export class DashwireError extends Error {
  override readonly name = 'DashwireError';
  readonly code: ErrorCode;
  /** True: the same may work later. */
  readonly retryable: boolean;
  /** Where the fault lies, as the server names it. */
  readonly path: string | undefined;

  constructor(code: ErrorCode, message: string, options: { retryable?: boolean; path?: string; cause?: unknown } = {}) {
    super(message, 'cause' in options ? { cause: options.cause } : undefined);
    this.code = code;
    this.retryable = options.retryable ?? false;
    this.path = options.path;
  }
}

interface Said {
  readonly code: ErrorCode;
  readonly message: string;
  readonly retryable?: boolean;
  readonly path?: string;
}

/** What the server said, now or before a reload. */
export const errorOf = (said: Said): DashwireError => new DashwireError(said.code, said.message, said);
