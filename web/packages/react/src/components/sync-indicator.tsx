import type { SyncState, SyncStatus } from '@dashwire/client';
import { type ReactNode, useCallback, useState, useSyncExternalStore } from 'react';
import { useScope } from '../context.ts';
import { useClient } from '../hooks/useClient.ts';
import { useConnectionStatus } from '../hooks/useConnectionStatus.ts';
import { useSyncStatus } from '../hooks/useSyncStatus.ts';
import { useTexts } from '../hooks/useTexts.ts';
import { reloadIfThere } from '../reload.ts';
import { classNames } from './class-names.ts';
import { patience, useNow, useReached } from './clock.ts';
import { Icon, type Shape } from './icon.tsx';

export interface DashboardSyncIndicatorProps {
  /** `dot`: the shape alone, with its words for screen readers and as a tooltip; `full`: more about it, and what to do. Default: `pill`. */
  readonly variant?: 'dot' | 'pill' | 'full';
  /** Makes a button of "Sign in again"; in `full`, what "Sign in" does, by default another attempt to connect, which asks for a token again. */
  readonly onSignIn?: () => void;
  /** Makes a button of "Needs your decision": the way to the conflicts. */
  readonly onConflicts?: () => void;
  /** Makes a button of "Not saved", refused or for want of space: the way to the list of what is pending. */
  readonly onPending?: () => void;
  readonly className?: string;
}

type Tone = 'ok' | 'busy' | 'quiet' | 'attention' | 'danger';

const looks: Readonly<Record<SyncState, readonly [Tone, Shape]>> = {
  saved: ['ok', 'check'],
  fallback: ['ok', 'check'],
  'read-only': ['quiet', 'lock'],
  loading: ['busy', 'ring'],
  saving: ['busy', 'ring'],
  reconnecting: ['busy', 'ring'],
  offline: ['attention', 'cut'],
  conflict: ['attention', 'triangle'],
  'needs-auth': ['attention', 'triangle'],
  incompatible: ['attention', 'triangle'],
  closed: ['danger', 'diamond'],
  rejected: ['danger', 'diamond'],
  'storage-full': ['danger', 'diamond'],
};

/** Words that would promise too much while there may be more than the server could tell. */
const current: readonly SyncState[] = ['saved', 'fallback', 'read-only'];

/** Whether everything is saved, in a word. */
export function DashboardSyncIndicator({
  variant = 'pill',
  onSignIn,
  onConflicts,
  onPending,
  className,
}: DashboardSyncIndicatorProps): ReactNode {
  const texts = useTexts();
  const status = useSteadySync();
  const stale = useStale() && current.includes(status.state);
  const [tone, shape] = stale ? (['attention', 'cut'] as const) : looks[status.state];
  const words = stale ? texts.stale : texts.sync(status);
  const ways = {
    conflict: onConflicts,
    rejected: onPending,
    'storage-full': onPending,
    'needs-auth': variant === 'full' ? undefined : onSignIn,
  };
  const way = Object.hasOwn(ways, status.state) ? ways[status.state as keyof typeof ways] : undefined;
  const content = (
    <>
      <Icon shape={shape} />
      <span className={variant === 'dot' ? 'dw-hidden' : undefined}>{words}</span>
    </>
  );
  return (
    <div
      className={classNames('dw-sync', className)}
      data-dw-variant={variant}
      data-dw-state={status.state}
      data-dw-tone={tone}
    >
      <span role="status" title={variant === 'dot' ? words : undefined}>
        {way === undefined ? (
          content
        ) : (
          <button type="button" className="dw-way" onClick={() => way()}>
            {content}
          </button>
        )}
      </span>
      {variant === 'full' && <Detail status={status} onSignIn={onSignIn} />}
    </div>
  );
}

/** Outside of what is announced: it changes each second. */
function Detail({ status, onSignIn }: { readonly status: SyncStatus; readonly onSignIn?: () => void }): ReactNode {
  const texts = useTexts();
  const client = useClient();
  const { error } = useConnectionStatus();
  const now = useNow(status.lastSavedAt !== null);
  const { state, pending, lastSavedAt } = status;
  const broken = state === 'closed' || state === 'incompatible' || state === 'needs-auth';
  let detail: string | null = null;
  if (broken) detail = error?.message ?? null;
  else if (pending > 0) detail = state === 'offline' ? null : texts.pending(pending);
  else if (lastSavedAt !== null) detail = texts.savedAgo(texts.age(now - lastSavedAt));
  return (
    <>
      {detail !== null && <span className="dw-detail">{detail}</span>}
      {state === 'reconnecting' && <Act words={texts.tryNow} act={() => client.reconnect()} />}
      {state === 'needs-auth' && <Act words={texts.signIn} act={onSignIn ?? (() => client.reconnect())} />}
      {state === 'incompatible' && <Reload />}
    </>
  );
}

/** Without the server a reload would lose the page. */
function Reload(): ReactNode {
  const texts = useTexts();
  const [away, setAway] = useState(false);
  const act = async () => {
    setAway(false); // said again, it is announced again
    setAway(!(await reloadIfThere()));
  };
  return (
    <>
      {away && (
        <span className="dw-detail" role="alert">
          {texts.reloadAway}
        </span>
      )}
      <Act words={texts.reload} act={() => void act()} />
    </>
  );
}

function Act({ words, act }: { readonly words: string; readonly act: () => void }): ReactNode {
  return (
    <button type="button" className="dw-button" onClick={() => act()}>
      {words}
    </button>
  );
}

/** Whether the server could not ask its store for the dashboard around (A7). */
function useStale(): boolean {
  const state = useScope().dashboard?.state;
  const subscribe = useCallback((listener: () => void) => state?.subscribe(listener) ?? (() => {}), [state]);
  const snapshot = () => state?.getSnapshot().stale ?? false;
  return useSyncExternalStore(subscribe, snapshot, snapshot);
}

/** The status, but what was there before stays for the first moment of saving. */
function useSteadySync(): SyncStatus {
  const status = useSyncStatus();
  const saving = status.state === 'saving';
  const [before, setBefore] = useState<SyncStatus>({ ...status, state: saving ? 'saved' : status.state });
  if (!saving && before !== status) setBefore(status);
  const late = useReached(saving && status.pendingSince !== null ? status.pendingSince + patience : null);
  return saving && !late ? before : status;
}
