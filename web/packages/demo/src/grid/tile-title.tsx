import type { Gesture, Widget } from '@dashwire/client';
import { useDashboard } from '@dashwire/react';
import { type KeyboardEvent, type ReactNode, useEffect, useRef, useState } from 'react';
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

  // What the edit is based on is what stood there when it began (M2).
  useEffect(() => {
    const mine = dashboard.gesture();
    gesture.current = mine;
    field.current?.focus();
    field.current?.select();
    return () => mine.cancel(); // after a commit it does nothing
  }, [dashboard]);

  const end = (keep: boolean) => {
    const name = text.trim();
    const mine = gesture.current;
    gesture.current = null; // leaving the field, which follows, does nothing more
    if (keep && name !== '' && name !== title) {
      mine?.updateWidget(id, { set: { '/title': name } });
      mine?.commit();
    } else {
      mine?.cancel();
    }
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
      onChange={(event) => setText(event.target.value)}
      onBlur={() => end(true)}
      onKeyDown={onKeyDown}
      onPointerDown={(event) => event.stopPropagation()}
    />
  );
}
