import { useDashboard, useNamedVersions, useReadable } from '@dashwire/react';
import { type ReactNode, useCallback, useEffect, useMemo, useState } from 'react';
import { announce } from '../announce.ts';
import { useOf } from '../grid/select.ts';
import { Sheet } from '../settings/sheet.tsx';
import { useBack } from '../shell/away.ts';
import { Message } from '../shell/states.tsx';
import { useTimeRange } from '../shell/time-range.ts';
import type { TimeRange } from '../tile.ts';
import { useAuthors } from './authors.ts';
import { DifferenceList } from './difference-list.tsx';
import { type Differences, differencesOf, isSame } from './differences.ts';
import { Entries, Named } from './entries.tsx';
import './history.css';
import { HistoryLog, type Row } from './log.ts';
import { Past, type PastState } from './past.ts';
import { PreviewGrid } from './preview.tsx';
import { Slider } from './slider.tsx';
import { timeOf } from './times.ts';
import { VersionActions, VersionName } from './version-panel.tsx';

/** How long new versions are gathered before the list asks for them, in ms. */
const gatherMs = 400;

interface HistoryDrawerProps {
  readonly open: boolean;
  readonly onClose: () => void;
}

/** The history of the dashboard: a sheet at the side, and the version that is looked at in the place of the grid. */
export function HistoryDrawer({ open, onClose }: HistoryDrawerProps): ReactNode {
  return open ? <History onClose={onClose} /> : null;
}

function History({ onClose }: { readonly onClose: () => void }): ReactNode {
  const dashboard = useDashboard();
  const log = useMemo(() => new HistoryLog(dashboard), [dashboard]);
  const past = useMemo(() => new Past(dashboard), [dashboard]);
  const head = useOf(dashboard.state, (state) => state.version);
  const state = useReadable(log.state);
  const shown = useReadable(past.state);
  const names = useNamedVersions();
  const personOf = useAuthors();
  const [which, setWhich] = useState<'all' | 'named'>('all');

  useEffect(() => {
    let seen = -1;
    let timer: ReturnType<typeof setTimeout> | undefined;
    const version = () => dashboard.state.getSnapshot().version;
    const refresh = () => {
      timer = undefined;
      seen = version();
      void log.refresh();
    };
    const look = () => {
      if (timer === undefined && version() !== seen) timer = setTimeout(refresh, seen < 0 ? 0 : gatherMs);
    };
    const stop = dashboard.state.subscribe(look);
    look();
    return () => {
      stop();
      clearTimeout(timer);
      log.stop();
    };
  }, [dashboard, log]);
  useEffect(() => () => past.stop(), [past]);
  useBack(() => {
    log.back();
    past.back();
  });

  const selected = shown.version ?? head;
  const select = useCallback((version: number) => past.show(version >= head ? null : version), [past, head]);
  const row = useRow(log, selected, state.rows);
  const differences = useDifferences(shown);
  const min = state.hasMore || state.rows.length === 0 ? 1 : (state.rows.at(-1)?.version ?? 1);
  return (
    <>
      <Sheet name="history" title="History" className="history" onClose={onClose}>
        <div className="history-top">
          <Slider
            rows={state.rows}
            min={Math.min(min, head)}
            max={head}
            value={selected}
            row={row}
            personOf={personOf}
            onChange={select}
          />
          <section className="version" aria-label={`Version ${selected}`}>
            <h3 className="version-title">
              {shown.version === null ? 'Now' : `Version ${selected.toLocaleString('en')}`}
              {row && <span>{timeOf(row.at)}</span>}
            </h3>
            {row && (
              <p>
                {personOf(row.author).name}: {row.words}
              </p>
            )}
            {head > 0 && <VersionName key={selected} version={selected} />}
            {shown.version !== null && (
              <VersionActions
                version={shown.version}
                same={differences !== null && isSame(differences)}
                onDone={() => past.show(null)}
              />
            )}
          </section>
        </div>
        {shown.version !== null && differences !== null && (
          <details className="history-differences" open>
            <summary>Since then</summary>
            <DifferenceList differences={differences} onShow={showTile} />
          </details>
        )}
        <fieldset className="segments history-which">
          <legend className="ui-unseen">Which versions</legend>
          {(['all', 'named'] as const).map((value) => (
            <label key={value}>
              <input type="radio" name="which-versions" checked={which === value} onChange={() => setWhich(value)} />
              <span>{value === 'all' ? 'All versions' : 'Named'}</span>
            </label>
          ))}
        </fieldset>
        <div className="history-list">
          {which === 'named' ? (
            <Named names={names} selected={selected} onSelect={select} />
          ) : (
            <Entries
              log={state}
              names={names}
              selected={selected}
              personOf={personOf}
              onSelect={select}
              onMore={() => void log.more()}
              onRetry={() => void (state.rows.length === 0 ? log.refresh() : log.more())}
            />
          )}
        </div>
      </Sheet>
      {shown.version !== null && (
        <Preview shown={shown} differences={differences} onNow={() => past.show(null)} onRetry={() => past.retry()} />
      )}
    </>
  );
}

interface PreviewProps {
  readonly shown: PastState;
  readonly differences: Differences | null;
  readonly onNow: () => void;
  readonly onRetry: () => void;
}

/** The older version, over the page. What is under it can neither be seen nor reached meanwhile. */
function Preview({ shown, differences, onNow, onRetry }: PreviewProps): ReactNode {
  const { version, document: past, loading, error } = shown;
  const range = useFrozenRange();
  useEffect(() => {
    const page = document.querySelector<HTMLElement>('main.page');
    if (page === null) return;
    page.inert = true;
    return () => {
      page.inert = false;
    };
  }, []);
  useEffect(() => {
    if (error !== null) announce(error);
  }, [error]);
  return (
    <main className="past" aria-label={`Version ${version}, to look at`} aria-busy={loading}>
      <p className="past-note">
        <span>
          {loading ? `Loading version ${version}…` : `Version ${version}, to look at. Values are those of now.`}
        </span>
        <button type="button" className="ui-button" onClick={onNow}>
          Back to now
        </button>
      </p>
      {error !== null ? (
        <Message
          title={`Version ${version} cannot be shown`}
          actions={
            <button type="button" className="ui-button main" onClick={onRetry}>
              Try again
            </button>
          }
        >
          {error}
        </Message>
      ) : past === null ? (
        <div className="past-skeleton" aria-hidden="true" />
      ) : Object.keys(past.widgets).length === 0 ? (
        <Message title="There were no tiles">At this version the dashboard was empty.</Message>
      ) : (
        <PreviewGrid document={past} range={range} differences={differences} />
      )}
    </main>
  );
}

/** What has changed since the version that is shown; while the next one is on its way, since the one before. */
function useDifferences({ version: asked, document: past }: PastState): Differences | null {
  const now = useOf(useDashboard().state, (state) => state.document);
  const looking = asked !== null;
  return useMemo(
    () => (looking && past !== null && now !== null ? differencesOf(past, now) : null),
    [looking, past, now],
  );
}

/** The row of a version: from the list, or asked for once the slider rests. */
function useRow(log: HistoryLog, version: number, rows: readonly Row[]): Row | undefined {
  const [found, setFound] = useState<Row | undefined>(undefined);
  const known = rows.find((row) => row.version === version);
  const wanted = known === undefined && version > 0 && rows.length > 0;
  useEffect(() => {
    if (!wanted) return;
    const request = new AbortController();
    const timer = setTimeout(() => {
      log.find(version, request.signal).then(
        (row) => request.signal.aborted || setFound(row),
        () => {}, // its number says enough
      );
    }, gatherMs);
    return () => {
      clearTimeout(timer);
      request.abort();
    };
  }, [log, version, wanted]);
  return known ?? (found?.version === version ? found : undefined);
}

/** The range of the page, standing still where it was when the preview was opened. */
function useFrozenRange(): TimeRange {
  const live = useTimeRange();
  return useMemo(() => {
    const end = live.end();
    return { ms: live.ms, end: () => end, frozen: true };
  }, [live]);
}

function showTile(widgetId: string): void {
  const tile = document.querySelector<HTMLElement>(`[data-preview=${JSON.stringify(widgetId)}]`);
  tile?.scrollIntoView({ block: 'center' });
}
