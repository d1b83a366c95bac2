import type { Conflict, FieldChoice, Pointer } from '@dashwire/client';
import {
  type KeyboardEvent,
  type ReactNode,
  type SyntheticEvent,
  useEffect,
  useId,
  useLayoutEffect,
  useRef,
  useState,
} from 'react';
import { type ResolveConflict, useConflicts } from '../hooks/useConflicts.ts';
import { useTexts } from '../hooks/useTexts.ts';
import { classNames } from './class-names.ts';
import { ConflictField, type RenderValue } from './conflict-field.tsx';

export interface ConflictResolutionUIProps {
  /** `inline` stands where it is put, as long as there are conflicts; the others open over the page. Default: `dialog`. */
  readonly variant?: 'dialog' | 'drawer' | 'inline';
  /** Of a dialog or drawer: whether it is open. It never opens by itself. */
  readonly open?: boolean;
  /** Called for "later", for Escape, and when nothing is left to decide. */
  readonly onClose?: () => void;
  /** Only this widget's conflicts; absent = all of the client. */
  readonly widgetId?: string;
  /** Draws the values; default: as text. */
  readonly renderValue?: RenderValue;
  readonly className?: string;
}

/** Both sides of each conflict, to choose from, field by field or all at once. */
export function ConflictResolutionUI(props: ConflictResolutionUIProps): ReactNode {
  const { variant = 'dialog', open = false, onClose, widgetId, className } = props;
  const [conflicts, resolve] = useConflicts(widgetId);
  const none = conflicts.length === 0;
  const done = useRef(onClose);
  useEffect(() => {
    done.current = onClose;
  });
  useEffect(() => {
    if (open && none) done.current?.();
  }, [open, none]);
  if (none || (variant !== 'inline' && !open)) return null;
  const content = <Conflicts {...props} conflicts={conflicts} resolve={resolve} />;
  if (variant === 'inline') return <div className={classNames('dw-conflict-ui', className)}>{content}</div>;
  return (
    <Modal variant={variant} className={className} onClose={() => onClose?.()}>
      {content}
    </Modal>
  );
}

interface ModalProps {
  readonly variant: 'dialog' | 'drawer';
  readonly className: string | undefined;
  readonly onClose: () => void;
  readonly children: ReactNode;
}

/** A component of its own: its effect has to end before the element leaves the page, for the focus to go back. */
function Modal({ variant, className, onClose, children }: ModalProps): ReactNode {
  const dialog = useRef<HTMLDialogElement>(null);
  const texts = useTexts();
  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation(); // keys of what is around belong to what is around
    if (event.key === 'Escape') {
      event.preventDefault();
      onClose();
    }
  };
  return (
    <dialog
      ref={dialog}
      className={classNames('dw-conflict-ui', className)}
      data-dw-variant={variant}
      aria-label={texts.conflictTitle}
      onKeyDown={onKeyDown}
      onPointerDown={stop}
      onMouseDown={stop}
      onTouchStart={stop}
      onFocus={stop}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
    >
      {children}
    </dialog>
  );
}

function stop(event: SyntheticEvent): void {
  event.stopPropagation();
}

interface ConflictsProps extends ConflictResolutionUIProps {
  readonly conflicts: readonly Conflict[];
  readonly resolve: ResolveConflict;
}

function Conflicts({ variant, onClose, renderValue, conflicts, resolve }: ConflictsProps): ReactNode {
  const texts = useTexts();
  return (
    <>
      <h2>{texts.conflicts(conflicts.length)}</h2>
      {conflicts.map((conflict) => (
        <Decision key={conflict.id} conflict={conflict} resolve={resolve} renderValue={renderValue} />
      ))}
      {variant !== 'inline' && (
        <div className="dw-actions">
          <button type="button" className="dw-button" onClick={onClose}>
            {texts.later}
          </button>
        </div>
      )}
    </>
  );
}

interface DecisionProps {
  readonly conflict: Conflict;
  readonly resolve: ResolveConflict;
  readonly renderValue: RenderValue | undefined;
}

function Decision({ conflict, resolve, renderValue }: DecisionProps): ReactNode {
  const texts = useTexts();
  const title = useId();
  const [choices, setChoices] = useState<Readonly<Record<Pointer, FieldChoice | undefined>>>({});
  const { id, kind, fields } = conflict;
  const byField = kind === 'field';
  const chosen = Object.entries(choices).filter((entry): entry is [Pointer, FieldChoice] => entry[1] !== undefined);
  const answers: Readonly<Record<Conflict['kind'], readonly [mine: string, theirs: string]>> = {
    field: [texts.allMine, texts.allTheirs],
    deleted: [texts.bringBack, texts.leaveDeleted],
    changed: [texts.deleteAnyway, texts.keepChanged],
  };
  const [mine, theirs] = answers[kind];
  return (
    <article className="dw-conflict" aria-labelledby={title}>
      <h3 id={title}>
        <bdi>{texts.operation(conflict.operation)}</bdi>
      </h3>
      <p>{texts.conflictKind(conflict)}</p>
      {fields.map((field) => (
        <ConflictField
          key={field.path}
          conflict={conflict}
          field={field}
          renderValue={renderValue}
          choose={byField ? (choice) => setChoices((all) => ({ ...all, [field.path]: choice })) : undefined}
        />
      ))}
      {byField && <p className="dw-detail">{texts.keys}</p>}
      <div className="dw-actions">
        {byField && (
          <button
            type="button"
            className="dw-button"
            data-dw-primary
            disabled={chosen.length < fields.length}
            onClick={() => resolve(id, Object.fromEntries(chosen))}
          >
            {texts.decide}
          </button>
        )}
        <button type="button" className="dw-button" onClick={() => resolve(id, 'mine')}>
          {mine}
        </button>
        <button type="button" className="dw-button" onClick={() => resolve(id, 'theirs')}>
          {theirs}
        </button>
      </div>
    </article>
  );
}
