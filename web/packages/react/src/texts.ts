import type { Conflict, Locked, PendingOperation, Pointer, SyncStatus } from '@dashwire/client';

/** Every word that the components say. A provider's `texts` replaces any of them; what a function gets is what it is about. */
export interface Texts {
  readonly sync: (status: SyncStatus) => string;
  /** All is saved, but the server cannot reach its store: others may have changed more than is shown. */
  readonly stale: string;
  /** How long ago the last change was saved, from `age`. */
  readonly savedAgo: (age: string) => string;
  readonly tryNow: string;
  readonly reload: string;
  /** Why the page is not reloaded now. */
  readonly reloadAway: string;
  readonly signIn: string;
  /** A span of time, in ms. */
  readonly age: (ms: number) => string;
  /** A moment, in ms since 1970. */
  readonly time: (at: number) => string;

  readonly pending: (count: number) => string;
  readonly pendingTitle: string;
  readonly pendingSafe: string;
  readonly pendingUnsafe: string;
  readonly pendingNone: string;
  readonly operation: (operation: PendingOperation) => string;
  readonly operationState: (operation: PendingOperation) => string;
  readonly retry: string;
  readonly drop: string;
  readonly dropSure: string;
  readonly dropLate: string;
  readonly copy: string;
  readonly copied: string;
  readonly copyFailed: string;
  readonly exportAll: string;
  readonly close: string;

  readonly conflicts: (count: number) => string;
  readonly conflictTitle: string;
  readonly conflictKind: (conflict: Conflict) => string;
  readonly field: (path: Pointer) => string;
  readonly was: string;
  readonly yours: string;
  readonly theirs: string;
  /** Under "theirs": who, and when or at which version. */
  readonly by: (who: string, when: string) => string;
  readonly version: (version: number) => string;
  readonly somebody: string;
  readonly yourself: string;
  readonly nothing: string;
  readonly anotherValue: string;
  readonly decide: string;
  readonly allMine: string;
  readonly allTheirs: string;
  readonly later: string;
  readonly bringBack: string;
  readonly leaveDeleted: string;
  readonly deleteAnyway: string;
  readonly keepChanged: string;
  readonly keys: string;

  /** `mode` is what the other one's presence says: `edit`, `drag`, `resize`, or anything. */
  readonly editedBy: (name: string, mode: string) => string;
  readonly unsaved: string;
  /** In the place of an encrypted value that cannot be opened. */
  readonly locked: (locked: Locked) => string;
  readonly unlock: string;
  readonly widgetFailed: string;
  readonly tryAgain: string;
}

const states: Readonly<Record<PendingOperation['state'], string>> = {
  draft: 'being edited',
  queued: 'waiting to be sent',
  'in-flight': 'being saved',
  'in-doubt': 'sent, answer awaited',
  waiting: 'trying again soon',
  acked: 'saved',
  settled: 'saved',
  conflicted: 'needs your decision',
  rejected: 'refused',
  blocked: 'waits for a decision',
  discarded: 'dropped',
};

const locks: Readonly<Record<Locked['$locked'], string>> = {
  opening: 'Opening…',
  missing: 'Encrypted, and its key is not here',
  damaged: 'Encrypted, and does not open with its key',
  moved: 'Encrypted for another place, and copied here',
  newer: 'Encrypted by a newer version: reload to update',
};

const modes: Readonly<Record<string, string>> = { drag: 'moving', resize: 'resizing', edit: 'editing' };

/** The words as they are unless replaced. */
export const english: Texts = {
  sync(status) {
    switch (status.state) {
      case 'incompatible':
        return 'Reload to update';
      case 'closed':
        return 'Not connected';
      case 'needs-auth':
        return 'Sign in again';
      case 'storage-full':
        return 'Not saved: storage is full';
      case 'conflict':
        return `Needs your decision (${status.conflicts})`;
      case 'rejected':
        return `Not saved (${status.rejected})`;
      case 'offline':
        if (status.pending === 0) return 'Offline';
        return `Offline: ${changes(status.pending)} ${status.durable ? 'kept on this device' : 'not saved'}`;
      case 'reconnecting':
        return 'Reconnecting…';
      case 'saving':
        return 'Saving…';
      case 'read-only':
        return 'Read only';
      case 'fallback':
        return 'Saved (slow connection)';
      case 'saved':
        return 'Saved';
      case 'loading':
        return 'Loading…';
    }
  },
  stale: 'May be out of date',
  savedAgo: (age) => `last change saved ${age} ago`,
  tryNow: 'Try now',
  reload: 'Reload',
  reloadAway: 'The server cannot be reached: a reload would lose this page. Try again once you are connected.',
  signIn: 'Sign in',
  age(ms) {
    const seconds = Math.max(0, Math.floor(ms / 1000));
    if (seconds < 60) return `${seconds} s`;
    if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
    if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
    return `${Math.floor(seconds / 86_400)} d`;
  },
  time: (at) => new Date(at).toLocaleString(undefined, { dateStyle: 'medium', timeStyle: 'short' }),

  pending: (count) => `${changes(count)} not saved yet`,
  pendingTitle: 'Changes not saved yet',
  pendingSafe: 'They are kept on this device until they are saved.',
  pendingUnsafe: 'They are not kept on this device: closing this page loses them.',
  pendingNone: 'Everything is saved.',
  operation: (operation) => operation.label,
  operationState: (operation) => states[operation.state],
  retry: 'Retry',
  drop: 'Drop',
  dropSure: 'Drop for good?',
  dropLate: 'This may be saved already: it cannot be dropped now.',
  copy: 'Copy as JSON',
  copied: 'Copied.',
  copyFailed: 'The clipboard cannot be used here: export instead.',
  exportAll: 'Export all',
  close: 'Close',

  conflicts: (count) => `Needs your decision (${count})`,
  conflictTitle: 'Needs your decision',
  conflictKind(conflict) {
    switch (conflict.kind) {
      case 'deleted':
        return 'This was deleted while you changed it. Your change is kept until you decide.';
      case 'changed':
        return 'This was changed while you deleted it. It stays until you decide.';
      case 'field':
        return 'This was changed while you changed it. Theirs is shown to all; yours is kept until you decide.';
    }
  },
  field(path) {
    if (path === '') return 'The whole widget';
    const tokens = path.split('/').slice(1);
    return tokens.map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~')).join(' › ');
  },
  was: 'Was',
  yours: 'Yours',
  theirs: 'Theirs',
  by: (who, when) => `${who}, ${when}`,
  version: (version) => `version ${version}`,
  somebody: 'Somebody',
  yourself: 'You, elsewhere',
  nothing: '(nothing)',
  anotherValue: 'Another value',
  decide: 'Use what I chose',
  allMine: 'All mine',
  allTheirs: 'All theirs',
  later: 'Later',
  bringBack: 'Bring it back with my change',
  leaveDeleted: 'Leave it deleted',
  deleteAnyway: 'Delete it anyway',
  keepChanged: 'Keep it',
  keys: 'Keys 1, 2 and 3 choose in the field that has the focus.',

  editedBy: (name, mode) => `${name} is ${modes[mode] ?? 'here'}`,
  unsaved: 'Not saved yet',
  locked: ({ $locked }) => locks[$locked],
  unlock: 'Unlock',
  widgetFailed: 'This widget failed',
  tryAgain: 'Try again',
};

function changes(count: number): string {
  return count === 1 ? '1 change' : `${count} changes`;
}
