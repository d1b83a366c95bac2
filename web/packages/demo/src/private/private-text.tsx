import { type Dashboard, isLocked, type Locked } from '@dashwire/client';
import { LockedField, useReadable } from '@dashwire/react';
import { Lock } from 'lucide-react';
import type { ReactNode } from 'react';
import { titleOf } from '../grid/tile-name.ts';
import { useEditing, valueAt } from '../settings/edit.ts';
import { TextField } from '../settings/inputs.tsx';
import { toast } from '../shell/toasts.ts';
import { askWords, encryption } from './keys.ts';
import './private.css';

/** Under a note, what only those read who know the words; for all others a lock. Nobody can unlock a wall. */
export function PrivateText({ text, kiosk }: { readonly text: string | Locked; readonly kiosk: boolean }): ReactNode {
  if (isLocked(text)) {
    return (
      <aside className="private" aria-label="Private text">
        <LockedField locked={text} onUnlock={kiosk ? undefined : () => askWords(text.kid)} />
      </aside>
    );
  }
  return (
    <aside className="private" aria-label="Private text">
      <span className="private-mark">
        <Lock size={14} aria-hidden="true" /> Private
      </span>
      <p>{String(text)}</p>
    </aside>
  );
}

const path = '/config/private';

/** Makes room for another text where nobody knows the words any more, and offers to take that back. */
function removeLocked(dashboard: Dashboard, widgetId: string, locked: Locked): void {
  const of = `the private text of ${titleOf(dashboard.widget(widgetId).getSnapshot(), widgetId)}`;
  dashboard.updateWidget(widgetId, { unset: [path] }, { overwriteLocked: true, label: `Remove ${of}` });
  const back = { set: { [path]: { ...locked } } };
  toast('Removed the private text.', {
    label: 'Undo',
    run: () => dashboard.updateWidget(widgetId, back, { label: `Bring back ${of}` }),
  });
}

/** The field for it, in the settings of a note. */
export function PrivateField(): ReactNode {
  const { dashboard, widgetId, widget, readOnly } = useEditing();
  const { current } = useReadable(encryption.keys.state);
  const value = valueAt(widget, path);
  if (isLocked(value)) {
    return (
      <div className="field">
        <span className="private-label">Private text</span>
        <LockedField locked={value} onUnlock={() => askWords(value.kid)} />
        {!readOnly && (
          <button type="button" className="private-way" onClick={() => removeLocked(dashboard, widgetId, value)}>
            Remove it unread
          </button>
        )}
      </div>
    );
  }
  if (current !== null) {
    return <TextField path={path} label="Private text" rows={4} placeholder="Encrypted before it leaves this page" />;
  }
  return (
    <div className="field">
      <span className="private-label">Private text</span>
      <p className="settings-note">
        A text that the server cannot read, for those who know the same words as you.{' '}
        {!readOnly && (
          <button type="button" className="private-way" onClick={() => askWords()}>
            Enter the words…
          </button>
        )}
      </p>
    </div>
  );
}
