import { useClient } from '@dashwire/react';
import { Check, CircleAlert, CircleHelp, LoaderCircle, Undo2 } from 'lucide-react';
import type { ReactNode } from 'react';
import { dashboardHref } from '../routes.ts';
import { Modal } from '../shell/modal.tsx';
import { type Import, imports, isBusy } from './imports.ts';
import { count, resultInWords } from './words.ts';

/** What became of the files: one line each, more where something is to be known or decided. */
export function ImportSheet({ imports: all }: { readonly imports: readonly Import[] }): ReactNode {
  const busy = all.filter(({ state }) => isBusy(state)).length;
  const title = busy > 0 ? `Importing ${count(all.length, 'file')}…` : titleOf(all);
  return (
    <Modal title={title} className="import" onClose={() => imports.clear()}>
      <ul className="import-files" aria-live="polite">
        {all.map((one) => (
          <li key={one.key} className="import-file" data-state={one.state.name}>
            <Mark state={one.state} />
            <div>
              <File one={one} />
            </div>
          </li>
        ))}
      </ul>
    </Modal>
  );
}

function File({ one }: { readonly one: Import }): ReactNode {
  const { dashboards } = useClient();
  const { key, file, state } = one;
  switch (state.name) {
    case 'done': {
      const { id, title, notes } = state.result;
      return (
        <>
          <h3>{title || id}</h3>
          <p className="import-from">
            {file}, as “{id}”
          </p>
          <p>{resultInWords(state.result)}</p>
          {notes.length > 0 && <Notes notes={notes} />}
          <div className="import-actions">
            <a className="ui-button main" href={dashboardHref(id)} onClick={() => imports.clear()}>
              Open
            </a>
            {state.replaced ? (
              <p className="import-from">What was there before is in its history.</p>
            ) : (
              <button type="button" className="ui-button" onClick={() => void imports.undo(key, dashboards)}>
                Undo
              </button>
            )}
          </div>
        </>
      );
    }
    case 'exists':
      return (
        <>
          <h3>{file}</h3>
          <p>There is already a dashboard “{state.id}”. What should become of this file?</p>
          <div className="import-choices">
            <button type="button" className="ui-button" onClick={() => void imports.decide(key, 'copy', dashboards)}>
              Make a copy
            </button>
            <p>A new dashboard beside it.</p>
            <button
              type="button"
              className="ui-button danger"
              onClick={() => void imports.decide(key, 'replace', dashboards)}
            >
              Replace it
            </button>
            <p>Everybody who has it open sees the file’s content. What is there now stays in its history.</p>
          </div>
        </>
      );
    case 'failed':
      return (
        <>
          <h3>{file}</h3>
          <p>{state.problem}</p>
        </>
      );
    default:
      return (
        <>
          <h3>{file}</h3>
          <p className="import-from">{waiting[state.name]}</p>
        </>
      );
  }
}

const waiting = {
  waiting: 'Waiting for its turn',
  reading: 'Reading…',
  sending: 'Sending…',
  undoing: 'Taking it back…',
  undone: 'Taken back. It can be found under “Deleted” for 30 days.',
} as const;

function Notes({ notes }: { readonly notes: readonly string[] }): ReactNode {
  return (
    <details className="import-notes" open={notes.length <= 4}>
      <summary>{count(notes.length, 'thing')} to know</summary>
      <ul>
        {notes.map((note) => (
          <li key={note}>{note}</li>
        ))}
      </ul>
    </details>
  );
}

function Mark({ state }: { readonly state: Import['state'] }): ReactNode {
  switch (state.name) {
    case 'done':
      return <Check size={16} className="import-mark is-ok" aria-label="Imported" />;
    case 'failed':
      return <CircleAlert size={16} className="import-mark is-danger" aria-label="Not imported" />;
    case 'exists':
      return <CircleHelp size={16} className="import-mark is-attention" aria-label="Needs your decision" />;
    case 'undone':
      return <Undo2 size={16} className="import-mark" aria-label="Taken back" />;
    default:
      return <LoaderCircle size={16} className="import-mark is-busy" aria-label="On its way" />;
  }
}

function titleOf(all: readonly Import[]): string {
  const decide = all.filter(({ state }) => state.name === 'exists').length;
  if (decide > 0) return decide === 1 ? 'One file needs your decision' : `${decide} files need your decision`;
  const done = all.filter(({ state }) => state.name === 'done').length;
  const failed = all.filter(({ state }) => state.name === 'failed').length;
  if (done === 0) return failed > 0 ? 'Nothing was imported' : 'Taken back';
  return failed === 0 ? `Imported ${count(done, 'dashboard')}` : `Imported ${done} of ${done + failed} files`;
}
