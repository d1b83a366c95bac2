import type { ReactNode } from 'react';
import { textOf } from './config.ts';
import type { DrawingProps } from './drawing.ts';
import { Queries } from './empty.tsx';
import { queriesOf, sourceOf } from './queries.ts';
import { Scroll } from './scroll.tsx';

/** A widget of a type that is not drawn here: what it is, and that all of it is still there. */
export function Kept({ widget, config, kiosk }: DrawingProps): ReactNode {
  const type = textOf(widget.type);
  const queries = queriesOf(widget);
  const source = sourceOf(widget);
  const fromGrafana = config.title !== '' || queries.length > 0;
  return (
    <Scroll className="kind-kept" name={config.title || 'Tile'} kiosk={kiosk}>
      <p>
        {type === '' ? (
          'This tile has no type'
        ) : (
          <>
            Tiles of type <code>{type}</code> are not drawn here
          </>
        )}
        {source && `; it asks ${source}`}. Everything in it is kept{fromGrafana ? ', and goes along in an export' : ''}.
      </p>
      {queries.length > 0 ? <Queries queries={queries} /> : <pre>{preview(widget)}</pre>}
    </Scroll>
  );
}

const mostText = 2000;

function preview(widget: DrawingProps['widget']): string {
  const text = JSON.stringify(widget, null, 2) ?? '';
  return text.length > mostText ? `${text.slice(0, mostText)}\n…` : text;
}
