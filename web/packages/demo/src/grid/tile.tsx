import type { Widget } from '@dashwire/client';
import { useWidget, WidgetRealtime } from '@dashwire/react';
import { Copy, Pin, PinOff, Settings2, Trash2 } from 'lucide-react';
import { memo, type ReactNode, useLayoutEffect, useRef } from 'react';
import { tileKind } from '../tiles/index.ts';
import { useNear } from './near.ts';
import { useOf } from './select.ts';
import { titleOf } from './tile-name.ts';
import { TileTitle } from './tile-title.tsx';
import { useGrid } from './view.ts';

interface TileProps {
  readonly id: string;
}

/** One widget on the grid. It draws again when it or its own state changes, never when it or others are only moved. */
export const Tile = memo(function Tile({ id }: TileProps): ReactNode {
  const { view, viewing } = useGrid();
  const [widget] = useWidget(id);
  const element = useRef<HTMLDivElement>(null);
  const selected = useOf(view.selected, (one) => one === id);
  const gesture = useOf(view.gesture, (one) => (one?.id === id ? one : null));
  const pinned = useOf(view.shown, (one) => one?.layout.items[id]?.static === true);
  const near = useNear(element);

  useLayoutEffect(() => {
    const { current } = element;
    return current === null ? undefined : view.places.attach(id, current);
  }, [view, id]);

  if (widget === undefined) return null; // it goes with the next list of ids
  const title = titleOf(widget, id);
  const movable = !viewing.readOnly && !viewing.narrow && !pinned && !viewing.kiosk;
  return (
    <div
      ref={element}
      className="tile"
      data-tile={id}
      data-gesture={gesture?.mode}
      data-by={gesture?.by}
      data-far={near ? undefined : ''}
    >
      <WidgetRealtime
        id={id}
        mode={gesture === null ? null : gesture.mode === 'move' ? 'drag' : 'resize'}
        onConflict={() => viewing.actions.openConflicts(id)}
      >
        {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields */}
        <div
          role="group"
          className="tile-box"
          aria-roledescription="tile"
          aria-label={title}
          tabIndex={viewing.kiosk ? undefined : selected ? 0 : -1}
          onFocus={() => view.selected.set(id)}
        >
          <header className="tile-header" data-grip={movable ? 'move' : undefined}>
            <TileTitle id={id} widget={widget} />
            {pinned && !viewing.kiosk && <Pin className="tile-pin" size={12} aria-label="Stays where it is" />}
            {near && !viewing.kiosk && !viewing.readOnly && <TileButtons id={id} title={title} pinned={pinned} />}
          </header>
          <div className="tile-body">{near ? <TileBody id={id} widget={widget} /> : null}</div>
          {movable && <span className="tile-corner" data-grip="resize" aria-hidden="true" />}
        </div>
      </WidgetRealtime>
    </div>
  );
});

/** Apart, so that the frame does not draw the body again. */
const TileBody = memo(function TileBody({ id, widget }: { readonly id: string; readonly widget: Widget }): ReactNode {
  const { range, kiosk, readOnly } = useGrid().viewing;
  const { Body } = tileKind(widget.type);
  return <Body widgetId={id} widget={widget} range={range} kiosk={kiosk} readOnly={readOnly} />;
});

interface TileButtonsProps extends TileProps {
  readonly title: string;
  readonly pinned: boolean;
}

function TileButtons({ id, title, pinned }: TileButtonsProps): ReactNode {
  const { actions, narrow } = useGrid().viewing;
  return (
    <span className="tile-buttons">
      <button
        type="button"
        aria-label={`Settings of ${title}`}
        title="Settings (E)"
        onClick={() => actions.openSettings(id)}
      >
        <Settings2 size={14} />
      </button>
      <button
        type="button"
        aria-label={`Duplicate ${title}`}
        title="Duplicate (D)"
        onClick={() => actions.duplicate(id)}
      >
        <Copy size={14} />
      </button>
      {!narrow && (
        <button
          type="button"
          aria-label={`Pin ${title}`}
          aria-pressed={pinned}
          title={pinned ? 'Let it move (P)' : 'Pin it where it is (P)'}
          onClick={() => actions.pin(id)}
        >
          {pinned ? <PinOff size={14} /> : <Pin size={14} />}
        </button>
      )}
      <button type="button" aria-label={`Delete ${title}`} title="Delete (Del)" onClick={() => actions.remove(id)}>
        <Trash2 size={14} />
      </button>
    </span>
  );
}
