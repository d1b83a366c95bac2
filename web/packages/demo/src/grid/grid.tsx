import { useDashboard, usePresence, useWidgetIds } from '@dashwire/react';
import { type CSSProperties, type ReactNode, useEffect, useLayoutEffect, useMemo, useRef, useState } from 'react';
import type { TimeRange } from '../tile.ts';
import './grid.css';
import { GridControl, type GridHost } from './control.ts';
import { boxOf, type Geometry, rowHeightToFill, rowsOf } from './geometry.ts';
import { Ghosts } from './others.tsx';
import { Places } from './places.ts';
import { useOf } from './select.ts';
import { useSteadyOrder } from './steady-order.ts';
import { Tile } from './tile.tsx';
import { GridContext, type GridView, newGridStores, type TileActions, useGrid, type Viewing } from './view.ts';

/** Below this width, in px, tiles stand in one column. */
const narrowBelow = 720;
const rowHeight = 24;
const gap = 8;

export interface GridProps {
  readonly range: TimeRange;
  readonly kiosk: boolean;
  readonly readOnly: boolean;
  readonly actions: TileActions;
  /** What the person looks at, for the page around: the grid's way to scroll to a tile. */
  readonly onView?: (view: GridView | null) => void;
}

/** The tiles of the dashboard. The page scrolls, not the grid; in a kiosk all rows fill the window. */
export function Grid({ range, kiosk, readOnly, actions, onView }: GridProps): ReactNode {
  const dashboard = useDashboard();
  const [root, setRoot] = useState<HTMLElement | null>(null);
  const view = useMemo<GridView | null>(() => root && { ...newGridStores(), places: new Places(root) }, [root]);
  const [narrow, setNarrow] = useState(false);
  const [, point] = usePresence();
  const rows = useOf(dashboard.layout(), (layout) => (kiosk && layout ? rowsOf(layout) : 0));

  const viewing = useMemo<Viewing>(
    () => ({ range, kiosk, readOnly, narrow, actions }),
    [range, kiosk, readOnly, narrow, actions],
  );
  const latest = useRef(viewing);
  useLayoutEffect(() => {
    latest.current = viewing;
  });

  const scale = useRef<Omit<Geometry, 'columns'> | null>(null);
  const control = useRef<GridControl | null>(null);
  useLayoutEffect(() => {
    if (root === null || view === null) return;
    const host: GridHost = {
      dashboard,
      view,
      root,
      pointAt: (rectangle) => {
        if (rectangle === null) return point({ rect: null });
        const { x, y, w, h } = rectangle;
        point({ rect: { x, y, w, h } });
      },
      viewing: () => latest.current,
      actions: () => latest.current.actions,
    };
    const mine = new GridControl(host);
    control.current = mine;
    if (scale.current !== null) mine.resize(scale.current);
    return () => {
      mine.stop();
      control.current = null;
    };
  }, [dashboard, root, view, point]);

  useLayoutEffect(() => {
    if (root === null) return;
    const measure = () => {
      const width = root.clientWidth;
      const flow = width < narrowBelow;
      const high = kiosk && !flow ? rowHeightToFill(rows, window.innerHeight - 2 * gap, gap) : rowHeight;
      scale.current = { width, rowHeight: high, gap, flow };
      control.current?.resize(scale.current);
      setNarrow(flow);
    };
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(root);
    if (kiosk) window.addEventListener('resize', measure);
    return () => {
      observer.disconnect();
      window.removeEventListener('resize', measure);
    };
  }, [root, kiosk, rows]);

  useEffect(() => {
    onView?.(view);
    return () => onView?.(null);
  }, [view, onView]);

  const grid = useMemo(() => (view === null ? null : { view, viewing }), [view, viewing]);
  return (
    // biome-ignore lint/a11y/noStaticElementInteractions: what is pressed are the tiles in it
    <div
      ref={setRoot}
      className="grid"
      data-narrow={narrow || undefined}
      data-kiosk={kiosk || undefined}
      data-readonly={readOnly || undefined}
      onPointerDown={(event) => control.current?.press(event.nativeEvent)}
      onKeyDown={(event) => {
        if (control.current?.key(event.nativeEvent)) event.preventDefault();
      }}
      onBlur={() => control.current?.left()}
    >
      {grid !== null && (
        <GridContext value={grid}>
          {!kiosk && (
            <p className="ui-unseen">
              Arrow keys go from tile to tile. M moves a tile, R resizes it, the question mark lists all keys.
            </p>
          )}
          <Tiles />
          <Target />
          {!kiosk && <Ghosts />}
        </GridContext>
      )}
    </div>
  );
}

function Tiles(): ReactNode {
  const { view } = useGrid();
  const ids = useWidgetIds();
  const order = useSteadyOrder(ids);
  const before = useRef(ids);
  // The tile that Tab reaches is always one that is there: when it goes, the one that takes its turn, with the focus if it had it.
  useLayoutEffect(() => {
    const selected = view.selected.getSnapshot();
    const at = selected === null ? 0 : Math.max(before.current.indexOf(selected), 0);
    before.current = ids;
    if (selected !== null && ids.includes(selected)) return;
    const next = ids[Math.min(at, ids.length - 1)] ?? null;
    view.selected.set(next);
    if (selected === null || next === null || document.activeElement !== document.body) return;
    view.places.element(next)?.querySelector<HTMLElement>('.tile-box')?.focus({ preventScroll: true });
  }, [view, ids]);
  return order.map((id) => <Tile key={id} id={id} />);
}

/** Where the tile under the hand would end. */
function Target(): ReactNode {
  const { view } = useGrid();
  const gesture = useOf(view.gesture, (one) => one);
  const geometry = useOf(view.shown, (one) => one?.geometry);
  if (gesture === null || geometry === undefined || gesture.by === 'keys') return null;
  const { left, top, width, height } = boxOf(gesture.rectangle, geometry);
  const style: CSSProperties = { transform: `translate(${left}px, ${top}px)`, width, height };
  return <div className="grid-target" style={style} aria-hidden="true" />;
}
