import type { DashboardDocument, Layout, Rectangle, Widget } from '@dashwire/client';
import { useWidget } from '@dashwire/react';
import { Move, Pencil, Trash2 } from 'lucide-react';
import { type CSSProperties, memo, type ReactNode, useLayoutEffect, useMemo, useRef, useState } from 'react';
import { boxOf, type Geometry, heightOf, rowsOf } from '../grid/geometry.ts';
import '../grid/grid.css';
import { useNear } from '../grid/near.ts';
import { titleOf } from '../grid/tile-name.ts';
import type { TimeRange } from '../tile.ts';
import { Skeleton } from '../tiles/empty.tsx';
import { tileKind } from '../tiles/index.ts';
import { kindOf } from '../tiles/kinds.ts';
import { kindInWords } from './difference-list.tsx';
import type { Differences, WidgetDifference } from './differences.ts';

/** As the grid has it: below this width, in px, tiles stand in one column. */
const narrowBelow = 720;
const scale = { rowHeight: 24, gap: 8, flow: false } as const;
const none: Layout = { columns: 24, compact: 'vertical', items: {} };

interface PreviewGridProps {
  readonly document: DashboardDocument;
  readonly range: TimeRange;
  /** What is marked in it. */
  readonly differences: Differences | null;
}

/** A dashboard of a document, to be looked at only. Tiles show the values of now, if they are still there. */
export const PreviewGrid = memo(function PreviewGrid({ document, range, differences }: PreviewGridProps): ReactNode {
  const root = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const { current } = root;
    if (current === null) return;
    const measure = () => setWidth(current.clientWidth);
    measure();
    const observer = new ResizeObserver(measure);
    observer.observe(current);
    return () => observer.disconnect();
  }, []);
  const layout = document.layouts.main ?? none;
  const geometry = useMemo<Geometry>(() => ({ ...scale, columns: layout.columns, width }), [layout.columns, width]);
  const narrow = width < narrowBelow;
  const kinds = useMemo(() => new Map(differences?.widgets.map(({ id, kind }) => [id, kind])), [differences]);
  const items = Object.entries(layout.items).sort(([, a], [, b]) => a.y - b.y || a.x - b.x);
  return (
    <div
      ref={root}
      className="grid preview"
      data-narrow={narrow || undefined}
      data-readonly=""
      style={{ height: heightOf(rowsOf(layout), geometry) }}
    >
      {width > 0 &&
        items.map(([id, place]) => {
          const widget = document.widgets[id];
          if (widget === undefined) return null;
          return (
            <PreviewTile
              key={id}
              id={id}
              widget={widget}
              place={place}
              geometry={geometry}
              narrow={narrow}
              range={range}
              kind={kinds.get(id)}
            />
          );
        })}
    </div>
  );
});

interface PreviewTileProps {
  readonly id: string;
  readonly widget: Widget;
  readonly place: Rectangle;
  readonly geometry: Geometry;
  readonly narrow: boolean;
  readonly range: TimeRange;
  readonly kind: WidgetDifference['kind'] | undefined;
}

function PreviewTile({ id, widget, place, geometry, narrow, range, kind }: PreviewTileProps): ReactNode {
  const element = useRef<HTMLDivElement>(null);
  const near = useNear(element);
  const { left, top, width, height } = boxOf(place, geometry);
  const style: CSSProperties = narrow ? { height } : { transform: `translate(${left}px, ${top}px)`, width, height };
  const title = titleOf(widget, id);
  return (
    <div ref={element} className="tile" data-preview={id} data-difference={kind} style={style}>
      {/* biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields */}
      <div
        role="group"
        className="tile-box"
        aria-roledescription="tile"
        aria-label={kind ? `${title}, ${kindInWords(kind)}` : title}
      >
        <header className="tile-header">
          <h3 className="tile-title" title={title}>
            {title}
          </h3>
          {kind && <Mark kind={kind} />}
        </header>
        <div className="tile-body" inert>
          {near && <PreviewBody id={id} widget={widget} range={range} />}
        </div>
      </div>
    </div>
  );
}

/** A sign and, where there is room, the word for it. */
function Mark({ kind }: { readonly kind: WidgetDifference['kind'] }): ReactNode {
  const Icon = kind === 'moved' ? Move : kind === 'removed' ? Trash2 : Pencil;
  return (
    <span className="preview-mark" title={kindInWords(kind)}>
      <Icon size={12} aria-hidden="true" />
      <span>{kindInWords(kind)}</span>
    </span>
  );
}

/** Apart, so that a tile that only moved is not drawn again. */
const PreviewBody = memo(function PreviewBody(props: {
  readonly id: string;
  readonly widget: Widget;
  readonly range: TimeRange;
}): ReactNode {
  const { id, widget, range } = props;
  const [live] = useWidget(id);
  const kind = kindOf(widget.type);
  if (live === undefined && kind.example !== null) return <Skeleton shape={kind.skeleton} still />;
  const { Body } = tileKind(widget.type);
  return <Body widgetId={id} widget={widget} range={range} kiosk={false} readOnly />;
});
