import { type FormEvent, type ReactNode, useId, useRef, useState } from 'react';
import { Modal } from '../shell/modal.tsx';
import { closeWords, unlock } from './keys.ts';

/** Asks for the words that private texts are encrypted with; `kid` is the key that is wanted, if it is a certain one. */
export function WordsDialog({ kid }: { readonly kid: string | null }): ReactNode {
  const field = useRef<HTMLInputElement>(null);
  const [words, setWords] = useState('');
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const id = useId();
  const submit = async (event: FormEvent) => {
    event.preventDefault();
    setBusy(true);
    setProblem('');
    try {
      if (await unlock(words, kid)) return closeWords();
      setProblem('This text was encrypted with other words.');
    } catch (error) {
      setProblem(error instanceof Error ? error.message : 'That did not work.');
    } finally {
      setBusy(false);
    }
    field.current?.focus();
  };
  return (
    <Modal
      title="Private texts"
      text="They are encrypted in the browsers of those who know the same words. The server has only what nobody can read. If the words are lost, so are the texts."
      focus={field}
      onClose={closeWords}
    >
      <form onSubmit={(event) => void submit(event)}>
        <label className="private-label" htmlFor={id}>
          The words
        </label>
        <input
          ref={field}
          id={id}
          className="ui-input"
          type="password"
          value={words}
          minLength={kid === null ? 12 : undefined}
          required
          autoComplete="off"
          spellCheck={false}
          aria-describedby={`${id}-how ${id}-problem`}
          onChange={(event) => setWords(event.target.value)}
        />
        <p id={`${id}-how`} className="private-how">
          Four unusual words or more: whoever runs the server could try short ones.
        </p>
        <p id={`${id}-problem`} className="rename-problem" role="alert">
          {problem}
        </p>
        <div className="dialog-actions">
          <button type="button" className="ui-button" onClick={closeWords}>
            Cancel
          </button>
          <button type="submit" className="ui-button main" disabled={busy}>
            {busy ? 'Unlocking…' : 'Unlock'}
          </button>
        </div>
      </form>
    </Modal>
  );
}
