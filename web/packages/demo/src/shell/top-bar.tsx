import {
  ConflictBadge,
  DashboardSyncIndicator,
  PendingOperationsBadge,
  useOthers,
  useReadable,
  useSyncStatus,
} from '@dashwire/react';
import { Ellipsis, History, LayoutDashboard, Link2, Plus, Redo2, Undo2 } from 'lucide-react';
import { type ReactNode, useState } from 'react';
import { initials } from '../person.ts';
import { dashboardsHref } from '../routes.ts';
import './top-bar.css';
import { later } from './later.ts';
import type { CommonActions } from './menu.tsx';
import { offline, setOffline } from './offline.ts';
import type { PageActions } from './page-actions.ts';
import { Part } from './part.tsx';
import { RangeSwitch } from './range.tsx';
import { DashboardTitle } from './title.tsx';

// Menus and tooltips are half of what the page weighs, and none of it is needed to see a dashboard.
const Avatars = later(async () => (await import('./avatars.tsx')).Avatars);
const MainMenu = later(async () => (await import('./menu.tsx')).MainMenu);

export interface TopBarProps {
  readonly actions: PageActions;
  readonly common: CommonActions;
}

/** The bar over a dashboard. On a phone the lesser things are in the menu. */
export function TopBar({ actions, common }: TopBarProps): ReactNode {
  const { readOnly, undoLabel, redoLabel } = actions;
  return (
    <header className="bar">
      <a
        className="ui-button plain icon bar-home"
        href={dashboardsHref}
        aria-label="All dashboards"
        title="All dashboards (G)"
      >
        <LayoutDashboard size={16} />
      </a>
      <DashboardTitle readOnly={readOnly} />
      <span className="bar-space" />
      <Status common={common} onConflicts={actions.conflicts} />
      <Others />
      <div className="bar-wide">
        <RangeSwitch />
      </div>
      <div className="bar-wide bar-icons">
        {!readOnly && (
          <>
            <IconButton
              label="Undo"
              title={undoLabel ? `Undo: ${undoLabel} (Ctrl+Z)` : 'Nothing to undo'}
              disabled={!actions.canUndo}
              act={actions.undo}
            >
              <Undo2 size={16} />
            </IconButton>
            <IconButton
              label="Redo"
              title={redoLabel ? `Redo: ${redoLabel} (Ctrl+Shift+Z)` : 'Nothing to redo'}
              disabled={!actions.canRedo}
              act={actions.redo}
            >
              <Redo2 size={16} />
            </IconButton>
          </>
        )}
        <IconButton label="History" title="History (H)" act={actions.history}>
          <History size={16} />
        </IconButton>
        <IconButton label="Copy the link" title="Copy the link (S)" act={actions.share}>
          <Link2 size={16} />
        </IconButton>
      </div>
      {!readOnly && (
        <button
          type="button"
          className="ui-button bar-add"
          title="Add a tile (A)"
          aria-label="Add a tile"
          onClick={actions.add}
        >
          <Plus size={16} />
          <span className="bar-add-word">Add</span>
        </button>
      )}
      <MenuOf actions={actions} common={common} />
    </header>
  );
}

/** The bar of a page without a dashboard. */
export function PlainBar({ title, common }: { readonly title: string; readonly common: CommonActions }): ReactNode {
  return (
    <header className="bar">
      <a
        className="ui-button plain icon bar-home"
        href={dashboardsHref}
        aria-label="All dashboards"
        title="All dashboards (G)"
      >
        <LayoutDashboard size={16} />
      </a>
      <h1 className="bar-title">{title}</h1>
      <span className="bar-space" />
      <Status common={common} />
      <MenuOf common={common} />
    </header>
  );
}

function Others(): ReactNode {
  const alone = useOthers().length === 0;
  return <Part>{!alone && <Avatars />}</Part>;
}

function MenuOf(props: { readonly actions?: PageActions; readonly common: CommonActions }): ReactNode {
  const { who } = props.common;
  const loading = (
    <button type="button" className="ui-button plain icon menu-trigger" aria-label="Menu" disabled>
      <span className="me" style={{ background: who.color }} data-initials={initials(who.name)} />
      <Ellipsis size={16} />
    </button>
  );
  return (
    <Part fallback={loading}>
      <MainMenu {...props} />
    </Part>
  );
}

interface StatusProps {
  readonly common: CommonActions;
  readonly onConflicts?: () => void;
}

function Status({ common, onConflicts }: StatusProps): ReactNode {
  const away = useReadable(offline);
  const { state } = useSyncStatus();
  const [list, setList] = useState(false);
  return (
    <div className="bar-status">
      {away && (
        <button type="button" className="ui-button bar-online" onClick={() => setOffline(false)}>
          Go online
        </button>
      )}
      {/* Where the indicator says it, it is the way there too. */}
      {(state !== 'conflict' || onConflicts === undefined) && (
        <ConflictBadge variant="drawer" compact onOpen={onConflicts} />
      )}
      <PendingOperationsBadge open={list} onOpenChange={setList} />
      <DashboardSyncIndicator onConflicts={onConflicts} onPending={() => setList(true)} onSignIn={common.signIn} />
    </div>
  );
}

interface IconButtonProps {
  readonly label: string;
  readonly title: string;
  readonly disabled?: boolean;
  readonly act: () => void;
  readonly children: ReactNode;
}

function IconButton({ label, title, disabled, act, children }: IconButtonProps): ReactNode {
  return (
    <button
      type="button"
      className="ui-button plain icon"
      aria-label={label}
      title={title}
      disabled={disabled}
      onClick={() => act()}
    >
      {children}
    </button>
  );
}
