import type { Json, JsonObject } from '@dashwire/client';
import { Plus, Trash2 } from 'lucide-react';
import type { CSSProperties, ReactNode } from 'react';
import { hueOf } from '../tiles/chart/palette.ts';
import { maxSeries, textOf } from '../tiles/config.ts';
import { type FieldEdit, listOf, typedNumber, useDraft, useEditing, useField } from './edit.ts';
import { ChangedBy } from './inputs.tsx';

interface RowsProps {
  readonly path: string;
  readonly legend: string;
  readonly add: string;
  readonly most: number;
  readonly fresh: (list: readonly JsonObject[]) => JsonObject;
  readonly row: (item: JsonObject, i: number, edit: ItemEdit) => ReactNode;
}

interface ItemEdit extends Pick<FieldEdit, 'open' | 'close'> {
  readonly readOnly: boolean;
  set(item: JsonObject): void;
}

/** A list of objects, which is written whole (E6). What the objects hold besides is left as it is. */
function Rows({ path, legend, add, most, fresh, row }: RowsProps): ReactNode {
  const { readOnly } = useEditing();
  const edit = useField(path);
  const list = listOf(edit.value);
  const replace = (next: readonly JsonObject[]) => edit.set(next.length === 0 ? undefined : (next as Json));
  const at = (i: number): ItemEdit => ({
    readOnly,
    open: edit.open,
    close: edit.close,
    set: (item) => replace(list.with(i, item)),
  });
  const atOnce = (next: readonly JsonObject[]) => {
    edit.close();
    replace(next);
    edit.close();
  };
  return (
    <fieldset className="field field-list">
      <legend>{legend}</legend>
      {list.map((item, i) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: an item is known by its place
        <div key={i} className="field-row">
          {row(item, i, at(i))}
          <button
            type="button"
            className="ui-button plain icon"
            aria-label={`Remove number ${i + 1}`}
            title="Remove"
            disabled={readOnly}
            onClick={() => atOnce(list.toSpliced(i, 1))}
          >
            <Trash2 size={14} />
          </button>
        </div>
      ))}
      {list.length < most && !readOnly && (
        <button type="button" className="ui-button field-add" onClick={() => atOnce([...list, fresh(list)])}>
          <Plus size={14} /> {add}
        </button>
      )}
      <ChangedBy hint={edit.hint} />
    </fieldset>
  );
}

function Item({ item, name, label, edit, style }: ItemProps): ReactNode {
  const draft = useDraft(textOf(item[name]), (text) => {
    edit.set({ ...item, [name]: text });
    return null;
  });
  return (
    <span className="field-label" style={style}>
      {style && <i aria-hidden="true" />}
      <input
        className="ui-input"
        aria-label={label}
        autoComplete="off"
        spellCheck={false}
        maxLength={200}
        value={draft.text}
        readOnly={edit.readOnly}
        onFocus={edit.open}
        onBlur={() => {
          draft.end();
          edit.close();
        }}
        onChange={(event) => draft.type(event.target.value)}
      />
    </span>
  );
}

interface ItemProps {
  readonly item: JsonObject;
  readonly name: string;
  readonly label: string;
  readonly edit: ItemEdit;
  readonly style?: CSSProperties;
}

/** The names of a chart's lines, in the order of the numbers in its points. */
export function SeriesField(): ReactNode {
  return (
    <Rows
      path="/config/series"
      legend="Lines, in the order of the numbers"
      add="Name a line"
      most={maxSeries}
      fresh={(list) => ({ key: `value${list.length + 1}`, label: `line ${list.length + 1}` })}
      row={(item, i, edit) => (
        <>
          <Item
            item={item}
            name="label"
            label={`Label of line ${i + 1}`}
            edit={edit}
            style={{ '--hue': hueOf(i) } as CSSProperties}
          />
          <Item item={item} name="key" label={`Key of line ${i + 1}, in points that are objects`} edit={edit} />
        </>
      )}
    />
  );
}

const statuses = ['ok', 'busy', 'attention', 'danger'] as const;

/** From which value on a status holds. */
export function ThresholdsField(): ReactNode {
  return (
    <Rows
      path="/config/thresholds"
      legend="Limits: from this value on it is"
      add="Add a limit"
      most={12}
      fresh={(list) => {
        const last = list.at(-1)?.value;
        return { value: typeof last === 'number' ? last + 10 : 80, status: list.length === 0 ? 'attention' : 'danger' };
      }}
      row={(item, i, edit) => (
        <>
          <Limit item={item} i={i} edit={edit} />
          <select
            className="ui-input"
            aria-label={`What limit ${i + 1} means`}
            value={textOf(item.status)}
            disabled={edit.readOnly}
            onChange={(event) => {
              edit.set({ ...item, status: event.target.value });
              edit.close();
            }}
          >
            {statuses.map((status) => (
              <option key={status}>{status}</option>
            ))}
          </select>
        </>
      )}
    />
  );
}

function Limit({ item, i, edit }: { item: JsonObject; i: number; edit: ItemEdit }): ReactNode {
  const draft = useDraft(textOf(item.value), (text) => {
    const n = typedNumber(text);
    if (n === undefined && i === 0) {
      const { value: _value, ...rest } = item; // the first one may hold below all others
      edit.set(rest);
      return null;
    }
    if (n === undefined || n === null) return 'Write a number.';
    edit.set({ ...item, value: n });
    return null;
  });
  return (
    <input
      className="ui-input"
      inputMode="decimal"
      autoComplete="off"
      aria-label={`Limit ${i + 1}`}
      aria-invalid={draft.problem !== null || undefined}
      title={draft.problem ?? undefined}
      placeholder={i === 0 ? 'below all' : 'value'}
      value={draft.text}
      readOnly={edit.readOnly}
      onFocus={edit.open}
      onBlur={() => {
        draft.end();
        edit.close();
      }}
      onChange={(event) => draft.type(event.target.value)}
    />
  );
}
