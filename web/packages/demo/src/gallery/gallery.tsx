import { useDashboard, useReadable } from '@dashwire/react';
import { Plus } from 'lucide-react';
import { type KeyboardEvent, type ReactNode, useMemo } from 'react';
import { announce } from '../announce.ts';
import { Sheet } from '../settings/sheet.tsx';
import type { TimeRange } from '../tile.ts';
import { parse } from '../tiles/config.ts';
import type { Kind } from '../tiles/drawing.ts';
import { kinds } from '../tiles/kinds.ts';
import { seconds } from '../tiles/seconds.ts';
import '../tiles/tiles.css';
import { focusTile } from './focus-tile.ts';
import './gallery.css';
import { placeFor } from './place.ts';

interface GalleryProps {
  readonly open: boolean;
  readonly onClose: () => void;
}

/** The kinds of tiles with an example of each; a click or Enter adds one and goes to it. */
export function Gallery({ open, onClose }: GalleryProps): ReactNode {
  const dashboard = useDashboard();
  if (!open) return null;
  const add = (kind: Kind) => {
    const layout = placeFor(dashboard.layout().getSnapshot(), kind.defaultSize);
    const { widgetId } = dashboard.createWidget(kind.create(), { layout, label: `Add ${kind.name}` });
    announce(`Added ${kind.name}.`);
    onClose();
    focusTile(widgetId);
  };
  return (
    <Sheet name="gallery" title="Add a tile" className="gallery" onClose={onClose}>
      <ul className="gallery-list" onKeyDown={step}>
        {kinds.map((kind, i) => (
          <li key={kind.type}>
            <Card kind={kind} first={i === 0} onAdd={() => add(kind)} />
          </li>
        ))}
      </ul>
    </Sheet>
  );
}

function step(event: KeyboardEvent<HTMLElement>): void {
  const by = { ArrowDown: 1, ArrowUp: -1 }[event.key];
  if (!by) return;
  const cards = [...event.currentTarget.querySelectorAll<HTMLButtonElement>('.gallery-add')];
  const next = cards[cards.indexOf(document.activeElement as HTMLButtonElement) + by];
  if (!next) return;
  event.preventDefault();
  next.focus();
}

function Card({ kind, first, onAdd }: { kind: Kind; first: boolean; onAdd: () => void }): ReactNode {
  const { icon: Icon } = kind;
  return (
    <div className="gallery-card">
      <button type="button" className="gallery-add" data-first={first || undefined} onClick={onAdd}>
        <Icon size={16} /> {kind.name}
        <Plus className="gallery-plus" size={16} aria-hidden="true" />
      </button>
      <p className="gallery-about">{kind.description}</p>
      {kind.type !== 'row' && (
        <div className="gallery-preview" data-kind={kind.type} inert aria-hidden="true">
          <Preview kind={kind} />
        </div>
      )}
    </div>
  );
}

const range: TimeRange = { ms: 60_000, end: () => Date.now() - 500, frozen: false };

/** What the example of a kind is shown with. */
const note = '**Runbook**\n\n1. Look at the queue\n2. Ask [#ops](https://example.com)';

/** The kind with an example that moves once a second. */
function Preview({ kind }: { readonly kind: Kind }): ReactNode {
  const now = useReadable(seconds);
  const value = kind.sample?.(now);
  const widget = useMemo(() => {
    const made = kind.create();
    return kind.type === 'text' ? { ...made, config: { text: note } } : made;
  }, [kind]);
  const config = useMemo(() => parse(widget), [widget]);
  const { Drawing } = kind;
  return (
    <Drawing
      widgetId=""
      widget={widget}
      config={config}
      value={value}
      range={range}
      kiosk={false}
      readOnly={true}
      sync={null}
    />
  );
}
