import type { Presence } from '@dashwire/client';
import { useOthers, useReadable } from '@dashwire/react';
import { type CSSProperties, type ReactNode, useEffect } from 'react';
import type { GridView } from '../grid/view.ts';
import { presenceOf } from '../presence.ts';
import { follow, following } from './follow.ts';

/** Keeps the tile in view at which somebody is, and says so. */
export function Following({ view }: { readonly view: GridView | null }): ReactNode {
  const sessionId = useReadable(following);
  const one = useOthers().find((other) => other.sessionId === sessionId);
  const gone = sessionId !== null && one === undefined;
  useEffect(() => {
    if (gone) follow(null);
  }, [gone]);
  useEffect(() => () => follow(null), []);
  return one === undefined ? null : <Followed presence={one} view={view} />;
}

function Followed({ presence, view }: { readonly presence: Presence; readonly view: GridView | null }): ReactNode {
  const { name, color, widgetId } = presenceOf(presence);
  useEffect(() => {
    if (widgetId === null) return;
    const calm = matchMedia('(prefers-reduced-motion: reduce)').matches;
    view?.places.element(widgetId)?.scrollIntoView({ block: 'center', behavior: calm ? 'auto' : 'smooth' });
  }, [view, widgetId]);
  return (
    <div className="following" style={{ '--who': color } as CSSProperties}>
      <button type="button" onClick={() => follow(null)} title="Stop following (Esc)">
        Following {name} <span aria-hidden="true">· Esc</span>
      </button>
    </div>
  );
}
