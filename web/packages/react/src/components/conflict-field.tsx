import { type Conflict, type ConflictField as Field, type FieldChoice, isLocked, type Json } from '@dashwire/client';
import { type KeyboardEvent, type ReactNode, useId, useState } from 'react';
import { useTexts } from '../hooks/useTexts.ts';
import { useAuthorName, useVersionTime } from './author.ts';
import { LockedField } from './locked-field.tsx';

/** Where a value comes from. */
export type Side = 'was' | 'yours' | 'theirs';

/** Draws one value of a conflict: a picture, not something to work with. undefined = there is none. */
export type RenderValue = (
  value: Json | undefined,
  about: { conflict: Conflict; path: string; side: Side },
) => ReactNode;

interface ConflictFieldProps {
  readonly conflict: Conflict;
  readonly field: Field;
  readonly renderValue?: RenderValue;
  /** Absent: nothing is to be chosen here. */
  readonly choose?: (choice: FieldChoice | undefined) => void;
}

/** One field: was, yours, theirs, side by side. */
export function ConflictField({ conflict, field, renderValue, choose }: ConflictFieldProps): ReactNode {
  const texts = useTexts();
  const group = useId();
  const { path, base, mine, theirs } = field;
  const who = useAuthorName(field.theirsBy);
  const at = useVersionTime(conflict.dashboardId, field.theirsVersion);
  const [chosen, setChosen] = useState<Side | 'other' | null>(null);
  const editable =
    choose !== undefined && [mine, theirs].find((value) => typeof value === 'string' || typeof value === 'number');
  const [other, setOther] = useState(() =>
    String(typeof mine === 'string' || typeof mine === 'number' ? mine : (editable ?? '')),
  );

  const choiceOf = (text: string): FieldChoice | undefined => {
    if (typeof editable !== 'number') return { value: text };
    const number = text.trim() === '' ? Number.NaN : Number(text);
    return Number.isFinite(number) ? { value: number } : undefined;
  };
  const take = (side: Side | 'other', text = other) => {
    if (choose === undefined || (side === 'was' && base === undefined)) return;
    setChosen(side);
    if (side === 'was') choose(base === undefined ? undefined : { value: base });
    else choose(side === 'other' ? choiceOf(text) : side === 'yours' ? 'mine' : 'theirs');
  };
  const onKeyDown = (event: KeyboardEvent) => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target instanceof HTMLElement && event.target.matches('textarea, input:not([type="radio"])')) return;
    const side = (['was', 'yours', 'theirs'] as const)[Number(event.key) - 1];
    if (side === undefined) return;
    event.preventDefault();
    take(side);
  };

  const when = at === null ? texts.version(field.theirsVersion) : texts.time(at);
  const by = field.theirsVersion === 0 ? undefined : texts.by(who, when); // 0: nobody knows
  const sides: readonly (readonly [Side, string, Json | undefined, string?])[] = [
    ['was', texts.was, base],
    ['yours', texts.yours, mine],
    ['theirs', texts.theirs, theirs, by],
  ];
  return (
    <fieldset className="dw-field" onKeyDown={onKeyDown}>
      <legend>
        <bdi>{texts.field(path)}</bdi>
      </legend>
      <div className="dw-columns">
        {sides.map(([side, title, value, by], index) => {
          const content = (
            <>
              <span className="dw-choice-title">
                {choose !== undefined && (
                  <input
                    type="radio"
                    name={group}
                    checked={chosen === side}
                    disabled={side === 'was' && base === undefined}
                    aria-keyshortcuts={`${index + 1}`}
                    onChange={() => take(side)}
                  />
                )}
                {title}
                {choose !== undefined && (
                  <span className="dw-key" aria-hidden="true">
                    {index + 1}
                  </span>
                )}
              </span>
              {by !== undefined && <bdi className="dw-detail">{by}</bdi>}
              <span className="dw-value">
                {renderValue === undefined ? (
                  <PlainValue value={value} />
                ) : (
                  renderValue(value, { conflict, path, side })
                )}
              </span>
            </>
          );
          const Cell = choose === undefined ? 'div' : 'label';
          return (
            <Cell key={side} className="dw-choice" data-dw-side={side}>
              {content}
            </Cell>
          );
        })}
      </div>
      {choose !== undefined && editable !== undefined && (
        <div className="dw-choice" data-dw-side="other">
          <label className="dw-choice-title">
            <input type="radio" name={group} checked={chosen === 'other'} onChange={() => take('other')} />
            {texts.anotherValue}
          </label>
          <textarea
            aria-label={texts.anotherValue}
            aria-invalid={choiceOf(other) === undefined || undefined}
            inputMode={typeof editable === 'number' ? 'decimal' : undefined}
            rows={other.includes('\n') ? 4 : 1}
            value={other}
            onChange={(event) => {
              setOther(event.target.value);
              take('other', event.target.value);
            }}
          />
        </div>
      )}
    </fieldset>
  );
}

function PlainValue({ value }: { readonly value: Json | undefined }): ReactNode {
  const texts = useTexts();
  if (value === undefined) return <em>{texts.nothing}</em>;
  if (isLocked(value)) return <LockedField locked={value} />;
  return <bdi>{typeof value === 'string' ? value : JSON.stringify(value, null, 2)}</bdi>;
}
