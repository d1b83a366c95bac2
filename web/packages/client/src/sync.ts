import type { ConnectionState, SyncState } from './api.ts';

/** The one word for how it stands, by what matters most. */
export function wordFor(
  line: ConnectionState,
  /** The connection has worked before. */
  known: boolean,
  ops: {
    /** Something is not on the disk, which is full. */
    readonly unsafe: boolean;
    readonly conflicts: number;
    readonly rejected: number;
    readonly pending: number;
  },
): SyncState {
  if (line === 'incompatible' || line === 'closed' || line === 'needs-auth') return line;
  if (ops.unsafe) return 'storage-full';
  if (ops.conflicts > 0) return 'conflict';
  if (ops.rejected > 0) return 'rejected';
  if (line === 'offline') return 'offline';
  const up = line === 'live' || line === 'read-only' || line === 'fallback';
  if (line === 'reconnecting' || (known && !up)) return 'reconnecting';
  if (ops.pending > 0) return 'saving';
  if (line === 'live') return 'saved';
  return up ? line : 'loading';
}
