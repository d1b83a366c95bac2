import type { DashboardState } from '@dashwire/client';
import { useClient, useDashboard } from '@dashwire/react';
import { type ReactNode, useEffect, useState } from 'react';
import { useOf } from '../grid/select.ts';
import { dashboardHref, dashboardsHref, firstDashboard } from '../routes.ts';
import './states.css';
import { toast } from './toasts.ts';

/** A page that has something to say instead of tiles. */
export function Message(props: {
  readonly title: string;
  readonly children: ReactNode;
  readonly actions?: ReactNode;
}): ReactNode {
  return (
    <div className="message">
      <h2>{props.title}</h2>
      <p>{props.children}</p>
      {props.actions && <div className="message-actions">{props.actions}</div>}
    </div>
  );
}

function AllDashboards(): ReactNode {
  return (
    <a className="ui-button" href={dashboardsHref}>
      All dashboards
    </a>
  );
}

/** What is shown while the dashboard cannot be. */
export function DashboardMessage({ status, error }: Pick<DashboardState, 'status' | 'error'>): ReactNode {
  const { id } = useDashboard();
  const client = useClient();
  switch (status) {
    case 'not-found':
      return (
        <Message title="There is no such dashboard" actions={<AllDashboards />}>
          “{id}” is not on this server, or you may not see it. Whoever sent you the link can tell which.
        </Message>
      );
    case 'forbidden':
      return (
        <Message title="You may not see this dashboard any more" actions={<AllDashboards />}>
          Your right to see “{id}” was taken away. Ask its owner if you still need it.
        </Message>
      );
    case 'deleted':
      return (
        <Message title="This dashboard was deleted" actions={<BringBack />}>
          Nothing is lost: for 30 days it can be brought back as it was, with its history.
        </Message>
      );
    default:
      return (
        <Message
          title="The dashboard could not be opened"
          actions={
            <button type="button" className="ui-button main" onClick={() => client.reconnect()}>
              Try again
            </button>
          }
        >
          {error?.message ?? 'The server did not say why.'}
        </Message>
      );
  }
}

function BringBack(): ReactNode {
  const { id } = useDashboard();
  const { dashboards } = useClient();
  const [busy, setBusy] = useState(false);
  const act = async () => {
    setBusy(true);
    try {
      await dashboards.undelete(id);
    } catch (error) {
      toast(error instanceof Error ? error.message : 'It could not be brought back.');
    }
    setBusy(false);
  };
  return (
    <>
      <button type="button" className="ui-button main" disabled={busy} onClick={() => void act()}>
        Bring it back
      </button>
      <AllDashboards />
    </>
  );
}

/** Whether what stands under this id is not yet anything, and what stood there was deleted. */
function useDeletedBefore(): boolean {
  const dashboard = useDashboard();
  const { dashboards } = useClient();
  const fresh = useOf(dashboard.state, (state) => state.version === 0);
  const [found, setFound] = useState<string | null>(null);
  useEffect(() => {
    if (!fresh) return;
    const asked = new AbortController();
    dashboards.list({ deleted: true, query: dashboard.id, signal: asked.signal }).then(
      (page) => {
        if (!asked.signal.aborted && page.dashboards.some(({ id }) => id === dashboard.id)) setFound(dashboard.id);
      },
      () => {}, // then it is as good as empty
    );
    return () => asked.abort();
  }, [dashboard, dashboards, fresh]);
  return fresh && found === dashboard.id;
}

/** A dashboard without tiles. */
export function Empty({ readOnly, onAdd }: { readonly readOnly: boolean; readonly onAdd: () => void }): ReactNode {
  const deleted = useDeletedBefore();
  if (deleted) return <DashboardMessage status="deleted" error={null} />;
  if (readOnly) {
    return <Message title="Nothing here yet">As soon as somebody adds a tile, it appears here.</Message>;
  }
  return (
    <Message
      title="Nothing here yet"
      actions={
        <>
          <button type="button" className="ui-button main" onClick={onAdd}>
            Add a tile
          </button>
          <AllDashboards />
        </>
      }
    >
      Add the first tile, or drop a dashboard file here: an export of Dashwire’s own or Grafana’s JSON.
    </Message>
  );
}

/** An address that names no dashboard. */
export function UnknownAddress({ id }: { readonly id: string }): ReactNode {
  return (
    <Message
      title="This address names no dashboard"
      actions={
        <>
          <a className="ui-button main" href={dashboardHref(firstDashboard)}>
            Open the first one
          </a>
          <AllDashboards />
        </>
      }
    >
      {id === '' ? 'It ends before a name.' : `“${id.slice(0, 200)}” cannot be the name of one.`} Names have letters,
      digits, dots, colons, dashes and underscores.
    </Message>
  );
}

const shapes: readonly (readonly [columns: number, rows: number])[] = [
  [9, 8],
  [9, 8],
  [6, 8],
  [4, 4],
  [4, 4],
  [4, 4],
  [4, 4],
  [4, 4],
  [4, 4],
  [5, 7],
  [10, 7],
  [9, 7],
];

/** The shape of a dashboard, before it is there. */
export function GridSkeleton(): ReactNode {
  return (
    <div className="skeletons" role="status" aria-label="The dashboard is loading">
      {shapes.map(([columns, rows], at) => (
        // biome-ignore lint/suspicious/noArrayIndexKey: they never change
        <div key={at} className={`skeleton columns-${columns} rows-${rows}`}>
          <i />
          <b />
        </div>
      ))}
    </div>
  );
}
