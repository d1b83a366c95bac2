import type { Gesture } from '@dashwire/client';
import {
  ConflictBadge,
  DashboardSyncIndicator,
  PendingOperationsBadge,
  useDashboard,
  useHistory,
  useMutation,
  useOthers,
  useWidget,
  useWidgetIds,
  WidgetRealtime,
} from '@dashwire/react';
import { type ReactNode, useRef } from 'react';

/** Cards that several people write at once. Everything that is live about it comes from the hooks. */
export function Board(): ReactNode {
  const ids = useWidgetIds();
  const others = useOthers();
  const { createWidget } = useMutation();
  const { undo, redo, canUndo, canRedo } = useHistory();
  return (
    <main>
      <header>
        <button type="button" onClick={() => createWidget({ type: 'note', title: 'New', done: false })}>
          Add
        </button>
        <button type="button" disabled={!canUndo} onClick={() => void undo()}>
          Undo
        </button>
        <button type="button" disabled={!canRedo} onClick={() => void redo()}>
          Redo
        </button>
        <span>{others.length === 0 ? 'Only you are here' : `${others.length} more here`}</span>
        <ConflictBadge />
        <PendingOperationsBadge />
        <DashboardSyncIndicator />
      </header>
      {ids.map((id) => (
        <WidgetRealtime key={id} id={id}>
          <Card id={id} />
        </WidgetRealtime>
      ))}
    </main>
  );
}

function Card({ id }: { readonly id: string }): ReactNode {
  const dashboard = useDashboard();
  const [widget, update] = useWidget(id);
  const typing = useRef<Gesture | null>(null);
  if (widget === undefined) return null;
  const { title, done } = widget;
  return (
    <article>
      <input
        type="checkbox"
        aria-label="Done"
        checked={done === true}
        onChange={(event) => update({ set: { '/done': event.target.checked } })}
      />
      {/* From the first key to leaving the field it is one edit: one op, one undo. */}
      <input
        aria-label="What is to be done"
        value={typeof title === 'string' ? title : ''}
        onFocus={() => {
          typing.current = dashboard.gesture();
        }}
        onChange={(event) => typing.current?.updateWidget(id, { set: { '/title': event.target.value } })}
        onBlur={() => {
          typing.current?.commit();
          typing.current = null;
        }}
      />
      <button type="button" onClick={() => dashboard.deleteWidget(id)}>
        Delete
      </button>
    </article>
  );
}
