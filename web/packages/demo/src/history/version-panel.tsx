import { useClient, useDashboard, useReadable } from '@dashwire/react';
import { Bookmark } from 'lucide-react';
import { type FormEvent, type ReactNode, useState } from 'react';
import { useOf } from '../grid/select.ts';
import { dashboardHref } from '../routes.ts';
import { useDashboardTitle } from '../shell/title.tsx';
import { toast } from '../shell/toasts.ts';

interface VersionActionsProps {
  readonly version: number;
  /** Nothing is different now: there is nothing to restore. */
  readonly same: boolean;
  readonly onDone: () => void;
}

/** What can be done with the version that is looked at. */
export function VersionActions({ version, same, onDone }: VersionActionsProps): ReactNode {
  const { dashboards } = useClient();
  const dashboard = useDashboard();
  const role = useOf(dashboard.state, (state) => state.role);
  const title = useDashboardTitle();
  const [busy, setBusy] = useState(false);
  const edits = role === 'editor' || role === 'owner';

  const run = async (what: string, act: () => Promise<void>) => {
    setBusy(true);
    try {
      await act();
    } catch (error) {
      toast(`${what}: ${error instanceof Error ? error.message : 'the server did not say why'}`);
    }
    setBusy(false);
  };
  const restoreAll = (to: number) =>
    run('Nothing was restored', async () => {
      const before = dashboard.state.getSnapshot().version;
      await dashboard.restore(to);
      toast(`Version ${to} is the newest again. Restoring version ${before} takes that back.`, {
        label: 'Undo',
        run: () => void restoreAll(before),
      });
      onDone();
    });
  // An edit like others: it goes out when it can.
  const restoreLayout = async (to: number) => {
    const before = dashboard.state.getSnapshot().version;
    const operation = dashboard.restoreLayout(to);
    onDone();
    const { state, error, ack } = await operation.done;
    if (state === 'rejected') toast(`The layout was not restored: ${error?.message ?? 'the server did not say why'}`);
    else if (ack?.status === 'unchanged') toast(`The layout is that of version ${to} already.`);
    else if (state === 'settled') {
      toast(`The layout of version ${to} is back. Restoring that of version ${before} takes it back.`, {
        label: 'Undo',
        run: () => void restoreLayout(before),
      });
    }
  };
  const copy = () =>
    run('No copy was made', async () => {
      const { id } = await dashboards.duplicate(dashboard.id, { title: `${title}, version ${version}`, version });
      toast(`A new dashboard has the content of version ${version}.`, {
        label: 'Open',
        run: () => {
          window.location.hash = dashboardHref(id);
        },
      });
    });

  const owner = role === 'owner';
  return (
    <div className="version-actions">
      {edits && (
        <>
          <button
            type="button"
            className="ui-button"
            disabled={busy || same}
            title={same ? 'Nothing is different now' : 'Put the tiles where they stood'}
            onClick={() => void restoreLayout(version)}
          >
            Restore layout
          </button>
          <button
            type="button"
            className="ui-button"
            disabled={busy || same || !owner}
            title={
              same
                ? 'Nothing is different now'
                : owner
                  ? 'Make this version the newest'
                  : 'Only an owner may restore everything'
            }
            onClick={() => void restoreAll(version)}
          >
            Restore all
          </button>
        </>
      )}
      <button type="button" className="ui-button" disabled={busy} onClick={() => void copy()}>
        Copy from here
      </button>
    </div>
  );
}

/** The name of a version, and the field to give it one. */
export function VersionName({ version }: { readonly version: number }): ReactNode {
  const dashboard = useDashboard();
  const names = useReadable(dashboard.namedVersions());
  const edits = useOf(dashboard.state, ({ role }) => role === 'editor' || role === 'owner');
  const name = names.find((one) => one.version === version)?.name;
  const [text, setText] = useState<string | null>(null);
  const [busy, setBusy] = useState(false);

  const save = async (next: string | null) => {
    setBusy(true);
    try {
      await dashboard.nameVersion(version, next);
      setText(null);
    } catch (error) {
      toast(`The name was not saved: ${error instanceof Error ? error.message : 'the server did not say why'}`);
    }
    setBusy(false);
  };
  if (!edits) {
    return name === undefined ? null : (
      <p className="version-name">
        <Bookmark size={14} aria-label="Named" /> {name}
      </p>
    );
  }
  if (text === null) {
    return (
      <p className="version-name">
        {name !== undefined && (
          <>
            <Bookmark size={14} aria-label="Named" /> <b>{name}</b>
          </>
        )}
        <button type="button" className="ui-button plain" disabled={busy} onClick={() => setText(name ?? '')}>
          {name === undefined ? (
            <>
              <Bookmark size={14} /> Name this version
            </>
          ) : (
            'Rename'
          )}
        </button>
        {name !== undefined && (
          <button type="button" className="ui-button plain" disabled={busy} onClick={() => void save(null)}>
            Remove
          </button>
        )}
      </p>
    );
  }
  const submit = (event: FormEvent) => {
    event.preventDefault();
    const next = text.trim();
    if (next === (name ?? '')) setText(null);
    else void save(next === '' ? null : next);
  };
  return (
    <form className="version-name" onSubmit={submit}>
      <input
        className="ui-input"
        aria-label={`Name of version ${version}`}
        placeholder="Before the move"
        value={text}
        maxLength={100}
        // biome-ignore lint/a11y/noAutofocus: it stands where the button was that asked for it
        autoFocus
        autoComplete="off"
        onChange={(event) => setText(event.target.value)}
        onKeyDown={(event) => {
          if (event.key !== 'Escape') return;
          event.preventDefault(); // not the sheet
          event.stopPropagation();
          setText(null);
        }}
      />
      <button type="submit" className="ui-button main" disabled={busy}>
        Save
      </button>
    </form>
  );
}
