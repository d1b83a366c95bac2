import type { Json, Pointer } from '@dashwire/client';
import { useReadable } from '@dashwire/react';
import { type KeyboardEvent, type ReactNode, useId } from 'react';
import { textOf } from '../tiles/config.ts';
import { ago } from '../tiles/format.ts';
import { seconds } from '../tiles/seconds.ts';
import { type FieldEdit, type Hint, typedNumber, useDraft, useEditing, useField } from './edit.ts';

/** Who changed the field, for as long as it is news, in ms. */
const news = 120_000;

export function ChangedBy({ hint }: { readonly hint: Hint | undefined }): ReactNode {
  const now = useReadable(seconds);
  if (!hint || now - hint.at > news) return null;
  return (
    <span className="field-hint" role="status">
      changed by {hint.name} {ago(now - hint.at)}
    </span>
  );
}

interface LabelledProps {
  readonly label: string;
  readonly edit: FieldEdit;
  readonly problem?: string | null;
  readonly children: (ids: { id: string; describedBy: string }) => ReactNode;
}

function Labelled({ label, edit, problem, children }: LabelledProps): ReactNode {
  const id = useId();
  const notes = `${id}-notes`;
  return (
    <div className="field">
      <label htmlFor={id}>{label}</label>
      {children({ id, describedBy: notes })}
      <span id={notes}>
        {problem && (
          <span className="field-problem" role="alert">
            {problem}
          </span>
        )}
        <ChangedBy hint={edit.hint} />
      </span>
    </div>
  );
}

interface TextFieldProps {
  readonly path: Pointer;
  readonly label: string;
  readonly placeholder?: string;
  readonly rows?: number;
  readonly suggestions?: readonly (readonly [string, string])[];
  readonly first?: boolean;
  readonly mono?: boolean;
}

/** A text; an empty one takes the value away, but for the title. */
export function TextField({ path, label, placeholder, rows, suggestions, first, mono }: TextFieldProps): ReactNode {
  const { readOnly } = useEditing();
  const edit = useField(path);
  const list = useId();
  const draft = useDraft(textOf(edit.value), (text) => {
    edit.set(text === '' && path !== '/title' ? undefined : text);
    return null;
  });
  return (
    <Labelled label={label} edit={edit}>
      {({ id, describedBy }) => {
        const props = {
          id,
          'aria-describedby': describedBy,
          'data-first': first || undefined,
          className: `ui-input${mono ? ' is-mono' : ''}`,
          value: draft.text,
          placeholder,
          readOnly,
          autoComplete: 'off',
          onFocus: edit.open,
          onBlur: () => {
            draft.end();
            edit.close();
          },
          onChange: (event: { target: { value: string } }) => draft.type(event.target.value),
        };
        if (rows) return <textarea {...props} rows={rows} spellCheck />;
        return (
          <>
            <input
              {...props}
              list={suggestions && list}
              maxLength={400}
              spellCheck={false}
              onKeyDown={endsAtEnter(edit)}
            />
            {suggestions && (
              <datalist id={list}>
                {suggestions.map(([value, words]) => (
                  <option key={value} value={value} label={words} />
                ))}
              </datalist>
            )}
          </>
        );
      }}
    </Labelled>
  );
}

/** Enter ends one step of undo and begins the next. */
const endsAtEnter = (edit: FieldEdit) => (event: KeyboardEvent) => {
  if (event.key !== 'Enter' || event.nativeEvent.isComposing) return;
  edit.close();
  edit.open();
};

interface NumberFieldProps {
  readonly path: Pointer;
  readonly label: string;
  readonly placeholder: string;
  /** A whole number of this range only. */
  readonly whole?: readonly [number, number];
}

export function NumberField({ path, label, placeholder, whole }: NumberFieldProps): ReactNode {
  const { readOnly } = useEditing();
  const edit = useField(path);
  const draft = useDraft(textOf(edit.value), (text) => {
    const n = typedNumber(text);
    if (n === null) return 'Write a number, such as 12.5.';
    if (whole && n !== undefined && (!Number.isInteger(n) || n < whole[0] || n > whole[1])) {
      return `Write a whole number from ${whole[0]} to ${whole[1]}.`;
    }
    edit.set(n);
    return null;
  });
  return (
    <Labelled label={label} edit={edit} problem={draft.problem}>
      {({ id, describedBy }) => (
        <input
          id={id}
          className="ui-input"
          inputMode="decimal"
          autoComplete="off"
          aria-describedby={describedBy}
          aria-invalid={draft.problem !== null || undefined}
          placeholder={placeholder}
          value={draft.text}
          readOnly={readOnly}
          onFocus={edit.open}
          onBlur={() => {
            draft.end();
            edit.close();
          }}
          onChange={(event) => draft.type(event.target.value)}
          onKeyDown={endsAtEnter(edit)}
        />
      )}
    </Labelled>
  );
}

interface ChoiceFieldProps {
  readonly path: Pointer;
  readonly label: string;
  /** What stands there if nothing does. */
  readonly fallback: string;
  readonly options: readonly (readonly [value: string, label: string])[];
}

/** One of several; sent at once. */
export function ChoiceField({ path, label, fallback, options }: ChoiceFieldProps): ReactNode {
  const { readOnly } = useEditing();
  const edit = useField(path);
  const value = textOf(edit.value) || fallback;
  const choose = (next: Json) => {
    edit.set(next);
    edit.close();
  };
  return (
    <Labelled label={label} edit={edit}>
      {({ id, describedBy }) => (
        <select
          id={id}
          className="ui-input"
          aria-describedby={describedBy}
          value={value}
          disabled={readOnly}
          onChange={(event) => choose(event.target.value)}
        >
          {!options.some(([v]) => v === value) && <option value={value}>{value} (not drawn here)</option>}
          {options.map(([v, words]) => (
            <option key={v} value={v}>
              {words}
            </option>
          ))}
        </select>
      )}
    </Labelled>
  );
}
