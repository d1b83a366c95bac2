import type { Gesture, Widget } from '@dashwire/client';
import { useDashboard } from '@dashwire/react';
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import { useHidden } from '../shell/hidden.ts';
import { useOf } from './select.ts';
import { titleOf } from './tile-name.ts';
import { useGrid } from './view.ts';

/** The title of a tile; a double click or F2 makes it a field. */
export function TileTitle({ id, widget }: { readonly id: string; readonly widget: Widget }): ReactNode {
  const { view, viewing } = useGrid();
  const renaming = useOf(view.renaming, (one) => one === id);
  const title = titleOf(widget, id);
  if (renaming) return <TitleField id={id} title={title} />;
  return (
    <h2
      className="tile-title"
      title={title}
      onDoubleClick={viewing.readOnly || viewing.kiosk ? undefined : () => view.renaming.set(id)}
    >
      {title}
    </h2>
  );
}

function TitleField({ id, title }: { readonly id: string; readonly title: string }): ReactNode {
  const { view } = useGrid();
  const dashboard = useDashboard();
  const [text, setText] = useState(title);
  const field = useRef<HTMLInputElement>(null);
  const gesture = useRef<Gesture | null>(null);
  const began = useRef(text);
  const typed = useRef(text);

  const send = useCallback(
    (keep: boolean) => {
      const name = typed.current.trim();
      const mine = gesture.current;
      gesture.current = null; // leaving the field, which follows, does nothing more
      if (keep && name !== '' && name !== began.current) {
        mine?.updateWidget(id, { set: { '/title': name } });
        mine?.commit();
      } else {
        mine?.cancel();
      }
    },
    [id],
  );
  // What the edit is based on is what stood there when it began (M2). A field that goes with its tile, or with the page, has
  // what was typed sent all the same: if the tile was deleted, a person decides (M9).
  useEffect(() => {
    gesture.current = dashboard.gesture();
    field.current?.focus();
    field.current?.select();
    return () => send(true);
  }, [dashboard, send]);
  useHidden(() => field.current?.blur());

  const end = (keep: boolean) => {
    send(keep);
    view.renaming.set(null);
  };
  const onKeyDown = (event: KeyboardEvent) => {
    event.stopPropagation();
    if (event.key !== 'Enter' && event.key !== 'Escape') return;
    event.preventDefault();
    end(event.key === 'Enter');
    view.places.element(id)?.querySelector<HTMLElement>('.tile-box')?.focus();
  };
  return (
    <input
      ref={field}
      className="tile-title-field"
      aria-label="Title"
      value={text}
      maxLength={200}
      spellCheck={false}
      autoComplete="off"
      onChange={(event) => {
        typed.current = event.target.value;
        setText(event.target.value);
      }}
      onBlur={() => end(true)}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => event.stopPropagation()}
    />
  );
}
