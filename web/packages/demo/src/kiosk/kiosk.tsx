import { DashboardRealtimeProvider, useClient, useDashboard } from '@dashwire/react';
import { type ReactNode, useEffect } from 'react';
import { Grid } from '../grid/grid.tsx';
import { useOf } from '../grid/select.ts';
import type { TileActions } from '../grid/view.ts';
import type { Kiosk as KioskOptions } from '../routes.ts';
import { leaveKiosk } from '../shell/navigation.ts';
import { useStale } from '../shell/stale.ts';
import { DashboardMessage, Empty, GridSkeleton } from '../shell/states.tsx';
import { useTimeRange } from '../shell/time-range.ts';
import { useTabTitle } from '../shell/title.tsx';
import './kiosk.css';
import { useRenewal } from './renewal.ts';
import { useRest } from './rest.ts';
import { useTurn } from './turn.ts';

/** How long the pointer is seen after it has moved, in ms. */
const pointerMs = 3000;
/** A dashboard that cannot be shown, or is empty, gives the wall to the next one after so long, in ms. */
const passOverMs = 2000;

/** Nothing but tiles, for a wall: no dialogs, nothing to click. It turns over by itself and stands for days. */
export function Kiosk({ options, id }: { readonly options: KioskOptions; readonly id: string }): ReactNode {
  const ids = options.dashboards.length > 0 ? options.dashboards : [id];
  const [turn, next] = useTurn(ids.length, options.rotateMs);
  const shown = ids[turn] ?? id;
  useRest(pointerMs);
  useRenewal(useOf(useClient().sync, (status) => status.state === 'incompatible'));
  useAwake();
  useEffect(() => {
    const onKey = (event: KeyboardEvent) => {
      if (event.key === 'Escape') leaveKiosk();
    };
    window.addEventListener('keydown', onKey);
    return () => window.removeEventListener('keydown', onKey);
  }, []);
  return (
    <DashboardRealtimeProvider dashboardId={shown}>
      <Wall shown={shown} next={next} />
    </DashboardRealtimeProvider>
  );
}

const noActions: TileActions = { openSettings() {}, openConflicts() {}, duplicate() {}, pin() {}, remove() {} };

/** `next` is undefined where there is no other dashboard. */
function Wall({ shown, next }: { readonly shown: string; readonly next: (() => void) | undefined }): ReactNode {
  const dashboard = useDashboard();
  const status = useOf(dashboard.state, (state) => state.status);
  const error = useOf(dashboard.state, (state) => state.error);
  const empty = useOf(dashboard.widgetIds(), (ids) => ids.length === 0);
  const idle = status === 'ready' ? empty : status !== 'loading';
  const range = useTimeRange();
  const title = useTabTitle();
  const stale = useStale();
  // biome-ignore lint/correctness/useExhaustiveDependencies: each dashboard has its own time
  useEffect(() => {
    if (!idle || next === undefined) return;
    const timer = setTimeout(next, passOverMs);
    return () => clearTimeout(timer);
  }, [shown, idle, next]);
  return (
    <main className="wall">
      <h1 className="ui-unseen">{title}</h1>
      {stale !== null && <WallLine since={stale} />}
      {status === 'loading' && <GridSkeleton />}
      {status === 'ready' && empty && <Empty readOnly onAdd={() => {}} />}
      {status === 'ready' && <Grid key={dashboard.id} range={range} kiosk readOnly actions={noActions} />}
      {status !== 'loading' && status !== 'ready' && <DashboardMessage status={status} error={error} />}
    </main>
  );
}

/** The thin line on top: what is below it is old. Its hours are those under the charts, 0 to 23. */
function WallLine({ since }: { readonly since: number }): ReactNode {
  const signedOut = useOf(useClient().connection, ({ state }) => state === 'needs-auth');
  const time = new Date(since).toLocaleTimeString(undefined, { timeStyle: 'short', hourCycle: 'h23' });
  return (
    <div className="wall-line" role="status">
      <span>{signedOut ? `▲ Sign in again: old since ${time}` : `▲ Offline since ${time}`}</span>
    </div>
  );
}

/** Asks the device to keep its screen on, again whenever the page is shown again. */
function useAwake(): void {
  useEffect(() => {
    let lock: WakeLockSentinel | undefined;
    let gone = false;
    const ask = async () => {
      if (document.visibilityState !== 'visible') return;
      try {
        const mine = await navigator.wakeLock?.request('screen');
        if (gone) await mine?.release();
        else lock = mine;
      } catch {} // the battery is low, or it is forbidden: the screen goes as it goes
    };
    void ask();
    document.addEventListener('visibilitychange', ask);
    return () => {
      gone = true;
      document.removeEventListener('visibilitychange', ask);
      lock?.release().catch(() => {});
    };
  }, []);
}
