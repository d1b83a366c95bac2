import { useClient } from '@dashwire/react';
import { type FormEvent, type ReactNode, type RefObject, useRef, useState } from 'react';
import { person, rename } from '../person.ts';
import { Modal } from './modal.tsx';

/** How long a change of name waits for what is on its way, in ms. */
const patience = 3000;

/** Asks for another name. What is not saved yet belongs to the name it was made under, so it is saved first. */
export function RenameDialog({ open, onClose }: { readonly open: boolean; readonly onClose: () => void }): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  return (
    <Modal title="Your name" open={open} focus={field} onClose={onClose}>
      <RenameForm field={field} onClose={onClose} />
    </Modal>
  );
}

interface RenameFormProps {
  readonly field: RefObject<HTMLInputElement | null>;
  readonly onClose: () => void;
}

function RenameForm({ field, onClose }: RenameFormProps): ReactNode {
  const client = useClient();
  const [name, setName] = useState(person.getSnapshot().name);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    const { conflicts, rejected } = client.sync.getSnapshot();
    const saved = conflicts + rejected === 0 && (await client.waitForSync({ timeoutMs: patience }));
    setBusy(false);
    if (!saved)
      return setProblem('Some of your changes are not saved yet. They need your present name until they are.');
    rename(name);
    onClose();
  };
  return (
    <form onSubmit={(event) => void submit(event)}>
      <label>
        <span className="dialog-text">The others see it beside what you do.</span>
        <input
          ref={field}
          className="ui-input rename-field"
          value={name}
          maxLength={40}
          required
          autoComplete="nickname"
          spellCheck={false}
          onChange={(event) => setName(event.target.value)}
        />
      </label>
      <p className="rename-problem" role="alert">
        {problem}
      </p>
      <div className="dialog-actions">
        <button type="button" className="ui-button" onClick={onClose}>
          Cancel
        </button>
        <button type="submit" className="ui-button main" disabled={busy || name.trim() === ''}>
          Save
        </button>
      </div>
    </form>
  );
}
