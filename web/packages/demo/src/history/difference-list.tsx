import type { ReactNode } from 'react';
import { count } from '../import/words.ts';
import { type Differences, type FieldDifference, isSame, type WidgetDifference } from './differences.ts';
import { placeChange, valueInWords } from './values.ts';
import { fieldName } from './words.ts';

/** How many fields of one thing, and how many things, are listed; the rest is counted. */
const mostFields = 8;
const mostWidgets = 40;

interface Props {
  readonly differences: Differences;
  /** Shows a tile in the preview. */
  readonly onShow: (widgetId: string) => void;
}

/** What has changed since a version, each field as was → is. */
export function DifferenceList({ differences, onShow }: Props): ReactNode {
  if (isSame(differences)) return <p className="differences-none">Nothing is different now.</p>;
  const { settings, widgets, grid, breakpoints } = differences;
  const moved = widgets.filter(({ kind }) => kind === 'moved');
  const others = widgets.filter(({ kind }) => kind !== 'moved');
  return (
    <ul className="differences">
      {settings.length + grid.length > 0 && (
        <li>
          <span className="differences-title">The dashboard</span>
          <Fields fields={[...settings, ...grid]} />
        </li>
      )}
      {others.slice(0, mostWidgets).map((one) => (
        <li key={one.id} data-kind={one.kind}>
          <Title one={one} onShow={onShow} />
          <Fields fields={one.fields} />
          {one.place && <Place one={one} />}
        </li>
      ))}
      {others.length > mostWidgets && <li>and {count(others.length - mostWidgets, 'more tile')}</li>}
      {moved.length > 3 && (
        <li data-kind="moved">
          <span className="differences-title">{count(moved.length, 'tile')}</span>{' '}
          <span className="differences-kind">moved since</span>
        </li>
      )}
      {moved.length <= 3 &&
        moved.map((one) => (
          <li key={one.id} data-kind="moved">
            <Title one={one} onShow={onShow} />
            <Place one={one} />
          </li>
        ))}
      {breakpoints.map((name) => (
        <li key={`layout ${name}`} data-kind="moved">
          <span className="differences-title">The layout “{name}”</span>{' '}
          <span className="differences-kind">changed since</span>
        </li>
      ))}
    </ul>
  );
}

const kinds = {
  added: 'added since',
  removed: 'deleted since',
  changed: 'changed since',
  moved: 'moved since',
} as const;

/** What a kind of difference is called. */
export function kindInWords(kind: WidgetDifference['kind']): string {
  return kinds[kind];
}

function Title({
  one,
  onShow,
}: {
  readonly one: WidgetDifference;
  readonly onShow: (widgetId: string) => void;
}): ReactNode {
  return (
    <>
      {one.kind === 'added' ? (
        <span className="differences-title">{one.title}</span>
      ) : (
        <button type="button" className="differences-title" title="Show it" onClick={() => onShow(one.id)}>
          {one.title}
        </button>
      )}{' '}
      <span className="differences-kind">{kindInWords(one.kind)}</span>
    </>
  );
}

function Fields({ fields }: { readonly fields: readonly FieldDifference[] }): ReactNode {
  if (fields.length === 0) return null;
  return (
    <dl className="differences-fields">
      {fields.slice(0, mostFields).map(({ path, was, is }) => (
        <div key={path}>
          <dt>{fieldName(path)}</dt>
          <dd>
            <del>{valueInWords(was)}</del> <Now /> <ins>{valueInWords(is)}</ins>
          </dd>
        </div>
      ))}
      {fields.length > mostFields && <div>and {count(fields.length - mostFields, 'more field')}</div>}
    </dl>
  );
}

function Place({ one }: { readonly one: WidgetDifference }): ReactNode {
  if (one.place === null) return null;
  const { was, is } = placeChange(one.place.was, one.place.is);
  return (
    <dl className="differences-fields">
      <div>
        <dt>place</dt>
        <dd>
          <del>{was}</del> <Now /> <ins>{is}</ins>
        </dd>
      </div>
    </dl>
  );
}

function Now(): ReactNode {
  return (
    <>
      <span aria-hidden="true">→</span>
      <span className="ui-unseen">, now</span>
    </>
  );
}
