import type { DashboardState } from '@dashwire/client';
import { ConflictResolutionUI, useClient, useDashboard, useReadable } from '@dashwire/react';
import { type ReactNode, useEffect, useMemo, useState } from 'react';
import { announce } from '../announce.ts';
import { renderConflictValue } from '../conflict/preview.tsx';
import { Grid } from '../grid/grid.tsx';
import { useOf } from '../grid/select.ts';
import type { GridView, TileActions } from '../grid/view.ts';
import { pageKeyOf } from '../keyboard/keys.ts';
import { dashboardsHref, shareLink } from '../routes.ts';
import { download, duplicateWidget, pinWidget, removeWidget } from './edits.ts';
import { follow } from './follow.ts';
import { Following } from './following.tsx';
import { later } from './later.ts';
import type { CommonActions } from './menu.tsx';
import { enterKiosk } from './navigation.ts';
import { tellOverwrites } from './overwrites.ts';
import type { PageActions } from './page-actions.ts';
import { Part } from './part.tsx';
import { DashboardMessage, Empty, GridSkeleton } from './states.tsx';
import { stepRange, useTimeRange } from './time-range.ts';
import { useTabTitle } from './title.tsx';
import { toast } from './toasts.ts';
import { TopBar } from './top-bar.tsx';

const Gallery = later(async () => (await import('../gallery/gallery.tsx')).Gallery);
const HistoryDrawer = later(async () => (await import('../history/history.tsx')).HistoryDrawer);
const SettingsPanel = later(async () => (await import('../settings/settings.tsx')).SettingsPanel);

type Sheet =
  | { readonly name: 'gallery' | 'history' }
  | { readonly name: 'settings'; readonly widgetId: string }
  /** Of all widgets, if there is no id. */
  | { readonly name: 'conflicts'; readonly widgetId?: string };

/** A popover is in the page before it is opened. */
const openDialog = '[role="dialog"]:not([popover]), [popover]:popover-open, dialog[open]';

/** A dashboard with everything around it. */
export function DashboardPage({ common }: { readonly common: CommonActions }): ReactNode {
  const client = useClient();
  const dashboard = useDashboard();
  const status = useOf(dashboard.state, (state) => state.status);
  const error = useOf(dashboard.state, (state) => state.error);
  const readOnly = useOf(dashboard.state, (state) => isReadOnly(state));
  const empty = useOf(dashboard.widgetIds(), (ids) => ids.length === 0);
  const undoState = useReadable(dashboard.undoState);
  const range = useTimeRange();
  useTabTitle();
  useEffect(() => tellOverwrites(client, dashboard), [client, dashboard]);
  const [sheet, setSheet] = useState<Sheet | null>(null);
  const [view, setView] = useState<GridView | null>(null);

  const tileActions = useMemo<TileActions>(
    () => ({
      openSettings: (widgetId) => setSheet({ name: 'settings', widgetId }),
      openConflicts: (widgetId) => setSheet({ name: 'conflicts', widgetId }),
      duplicate: (widgetId) => duplicateWidget(dashboard, widgetId),
      pin: (widgetId) => pinWidget(dashboard, widgetId),
      remove: (widgetId) => {
        setSheet((open) => (open?.name === 'settings' && open.widgetId === widgetId ? null : open));
        removeWidget(dashboard, widgetId);
      },
    }),
    [dashboard],
  );

  const actions = useMemo<PageActions>(
    () => ({
      readOnly,
      ...undoState,
      add: () => setSheet({ name: 'gallery' }),
      undo: () => void undone(dashboard.undo(), 'Undone'),
      redo: () => void undone(dashboard.redo(), 'Done again'),
      history: () => setSheet({ name: 'history' }),
      conflicts: () => setSheet({ name: 'conflicts' }),
      share: () => void share(dashboard.id),
      exportAs: (format) => void exported(client.dashboards.export(dashboard.id, format), dashboard.id, format),
      kiosk: enterKiosk,
    }),
    [client, dashboard, readOnly, undoState],
  );

  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.defaultPrevented) return;
      const key = pageKeyOf(event);
      // A dialog that is open has the keys; a sheet at the side has not.
      if (key === undefined || document.querySelector(openDialog) !== null) return;
      if (pageKey(key, actions, () => setSheet(null))) event.preventDefault();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, [actions]);

  const close = () => setSheet(null);
  return (
    <>
      <TopBar actions={actions} common={common} />
      <main className="page" data-sheet={sheet?.name}>
        {status === 'loading' && <GridSkeleton />}
        {status !== 'loading' && status !== 'ready' && <DashboardMessage status={status} error={error} />}
        {status === 'ready' && empty && <Empty readOnly={readOnly} onAdd={actions.add} />}
        {status === 'ready' && (
          <Grid range={range} kiosk={false} readOnly={readOnly} actions={tileActions} onView={setView} />
        )}
      </main>
      <Following view={view} />
      <ConflictResolutionUI
        variant="drawer"
        open={sheet?.name === 'conflicts'}
        widgetId={sheet?.name === 'conflicts' ? sheet.widgetId : undefined}
        renderValue={renderConflictValue}
        onClose={close}
      />
      <Part key={sheet?.name}>
        {sheet?.name === 'gallery' && <Gallery open onClose={close} />}
        {sheet?.name === 'history' && <HistoryDrawer open onClose={close} />}
        {sheet?.name === 'settings' && <SettingsPanel key={sheet.widgetId} widgetId={sheet.widgetId} onClose={close} />}
      </Part>
    </>
  );
}

function pageKey(
  key: NonNullable<ReturnType<typeof pageKeyOf>>,
  actions: PageActions,
  closeSheet: () => void,
): boolean {
  switch (key) {
    case 'escape':
      follow(null);
      closeSheet();
      return false;
    case 'help':
      return false; // every page has it
    case 'dashboards':
      window.location.hash = dashboardsHref;
      return true;
    case 'shorter':
    case 'longer':
      announce(`Showing ${stepRange(key === 'shorter' ? -1 : 1)} minutes.`);
      return true;
    case 'history':
    case 'share':
    case 'kiosk':
      actions[key]();
      return true;
    case 'add':
    case 'undo':
    case 'redo':
      if (!actions.readOnly) actions[key]();
      return !actions.readOnly;
  }
}

function isReadOnly({ role, status }: DashboardState): boolean {
  return status !== 'ready' || role === 'viewer' || role === 'feeder';
}

async function undone(result: ReturnType<ReturnType<typeof useDashboard>['undo']>, words: string): Promise<void> {
  const { skipped = [], outcome } = (await result) ?? {};
  if (outcome === undefined) return;
  if (outcome.state === 'rejected') toast(outcome.error?.message ?? 'That could not be taken back.');
  else if (skipped.length > 0) toast(`${words}, but for what others have changed since.`);
  else announce(`${words}.`);
}

async function share(id: string): Promise<void> {
  const link = shareLink(window.location, id);
  try {
    await navigator.clipboard.writeText(link);
    toast('The link is copied.');
  } catch {
    toast(`Copy this link: ${link}`); // no clipboard on this page
  }
}

async function exported(text: Promise<string>, id: string, format: string): Promise<void> {
  try {
    download(`${id}${format === 'grafana' ? '.grafana' : ''}.json`, await text);
  } catch (error) {
    toast(error instanceof Error ? error.message : 'The export failed.');
  }
}
