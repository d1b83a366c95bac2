import type { PendingOperation } from '@dashwire/client';
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useId, useRef, useState } from 'react';
import { useClient } from '../hooks/useClient.ts';
import { usePendingOperations } from '../hooks/usePendingOperations.ts';
import { useTexts } from '../hooks/useTexts.ts';
import { classNames } from './class-names.ts';
import { patience, useNow, useReached } from './clock.ts';
import { Icon } from './icon.tsx';

export interface PendingOperationsBadgeProps {
  /** Of the exported file. Default: `changes.json`. */
  readonly fileName?: string;
  /** Whether the list is shown, for an app that opens it from elsewhere too, with `onOpenChange`. Default: as the badge is clicked. */
  readonly open?: boolean;
  readonly onOpenChange?: (open: boolean) => void;
  readonly className?: string;
}

/** How many changes are not saved, and for how long; opens the list of them. Nothing while all is saved. */
export function PendingOperationsBadge({
  fileName = 'changes.json',
  open: openByApp,
  onOpenChange,
  className,
}: PendingOperationsBadgeProps): ReactNode {
  const texts = useTexts();
  const operations = usePendingOperations();
  const [openByItself, setOpenByItself] = useState(false);
  const open = openByApp ?? openByItself;
  const setOpen = useCallback(
    (next: boolean) => {
      setOpenByItself(next);
      onOpenChange?.(next);
    },
    [onOpenChange],
  );
  const oldest = operations[0]?.createdAt ?? null;
  const late = useReached(oldest === null ? null : oldest + patience);
  const shown = open || late;
  const now = useNow(shown);
  const root = useRef<HTMLDivElement>(null);
  const button = useRef<HTMLButtonElement>(null);
  const panel = useId();

  useEffect(() => {
    if (!open) return;
    const outside = (event: Event) => {
      if (event.target instanceof Node && !root.current?.contains(event.target)) setOpen(false);
    };
    document.addEventListener('pointerdown', outside);
    return () => document.removeEventListener('pointerdown', outside);
  }, [open, setOpen]);

  useEffect(() => {
    if (openByApp) button.current?.focus(); // what Tab comes to next is the list
  }, [openByApp]);

  if (!shown) return null;
  const close = () => {
    button.current?.focus();
    setOpen(false);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.key !== 'Escape' || !open) return;
    event.stopPropagation();
    close();
  };
  const age = oldest === null ? null : texts.age(now - oldest);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: Escape closes the list from anywhere in it
    <div ref={root} className={classNames('dw-pending', className)} onKeyDown={onKeyDown}>
      <button
        ref={button}
        type="button"
        className="dw-button"
        aria-expanded={open}
        aria-controls={open ? panel : undefined}
        onClick={() => setOpen(!open)}
      >
        <Icon shape={operations.some((one) => one.state === 'rejected') ? 'diamond' : 'ring'} />
        <span aria-hidden="true">{age === null ? 0 : `${operations.length} · ${age}`}</span>
        <span className="dw-hidden">{[texts.pending(operations.length), age].filter(Boolean).join(', ')}</span>
      </button>
      {open && <PendingList id={panel} operations={operations} now={now} fileName={fileName} close={close} />}
    </div>
  );
}

interface PendingListProps {
  readonly id: string;
  readonly operations: readonly PendingOperation[];
  readonly now: number;
  readonly fileName: string;
  readonly close: () => void;
}

function PendingList({ id, operations, now, fileName, close }: PendingListProps): ReactNode {
  const texts = useTexts();
  const [said, say] = useState('');
  const safe = operations.every((one) => one.persisted);
  return (
    <section id={id} className="dw-panel" aria-labelledby={`${id}-title`}>
      <h2 id={`${id}-title`}>{texts.pendingTitle}</h2>
      <p data-dw-tone={safe ? 'ok' : 'danger'}>
        <Icon shape={safe ? 'check' : 'diamond'} />{' '}
        {operations.length === 0 ? texts.pendingNone : safe ? texts.pendingSafe : texts.pendingUnsafe}
      </p>
      <ul>
        {operations.map((operation) => (
          <PendingItem key={operation.id} operation={operation} age={texts.age(now - operation.createdAt)} say={say} />
        ))}
      </ul>
      <p role="status">{said}</p>
      <div className="dw-actions">
        {operations.length > 0 && (
          <button type="button" className="dw-button" onClick={() => save(fileName, operations)}>
            {texts.exportAll}
          </button>
        )}
        <button type="button" className="dw-button" onClick={close}>
          {texts.close}
        </button>
      </div>
    </section>
  );
}

interface PendingItemProps {
  readonly operation: PendingOperation;
  readonly age: string;
  readonly say: (words: string) => void;
}

function PendingItem({ operation, age, say }: PendingItemProps): ReactNode {
  const texts = useTexts();
  const client = useClient();
  const [sure, setSure] = useState(false);
  const name = useId();
  const { id, state, error } = operation;
  const dropped = () => {
    if (!sure) setSure(true);
    else if (!client.discard(id)) {
      setSure(false);
      say(texts.dropLate);
    }
  };
  const copied = async () => {
    try {
      await navigator.clipboard.writeText(JSON.stringify(exported(operation), null, 2));
      say(texts.copied);
    } catch {
      say(texts.copyFailed);
    }
  };
  return (
    <li data-dw-state={state}>
      <bdi id={name}>{texts.operation(operation)}</bdi>
      <span className="dw-detail">
        {age} · {texts.operationState(operation)}
      </span>
      {error !== null && <span className="dw-detail">{error.message}</span>}
      <span className="dw-actions">
        {state === 'rejected' && (
          <button type="button" className="dw-button" aria-describedby={name} onClick={() => client.retry(id)}>
            {texts.retry}
          </button>
        )}
        {!sent.has(state) && (
          <button
            type="button"
            className="dw-button"
            aria-describedby={name}
            onClick={dropped}
            onBlur={() => setSure(false)}
          >
            {sure ? texts.dropSure : texts.drop}
          </button>
        )}
        <button type="button" className="dw-button" aria-describedby={name} onClick={copied}>
          {texts.copy}
        </button>
      </span>
    </li>
  );
}

/** The server may have these already. */
const sent = new Set<PendingOperation['state']>(['in-flight', 'in-doubt', 'acked', 'settled', 'discarded']);

/** What a person gets to keep of an op. */
function exported({ id, dashboardId, type, state, label, createdAt, error, op }: PendingOperation): object {
  return {
    id,
    dashboardId,
    type,
    label,
    state,
    createdAt: new Date(createdAt).toISOString(),
    error: error === null ? undefined : { code: error.code, message: error.message },
    operation: op,
  };
}

function save(fileName: string, operations: readonly PendingOperation[]): void {
  const text = JSON.stringify(operations.map(exported), null, 2);
  const url = URL.createObjectURL(new Blob([text], { type: 'application/json' }));
  Object.assign(document.createElement('a'), { href: url, download: fileName }).click();
  setTimeout(() => URL.revokeObjectURL(url), 60_000); // the browser reads it when it gets to it
}
