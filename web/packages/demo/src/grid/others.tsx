import type { Json, Presence, Rectangle } from '@dashwire/client';
import { useOthers, useReadable } from '@dashwire/react';
import type { CSSProperties, ReactNode } from 'react';
import { presenceOf } from '../presence.ts';
import { boxOf } from './geometry.ts';
import { useGrid } from './view.ts';

/** Where others are about to put tiles: an outline in their colour, with their name. */
export function Ghosts(): ReactNode {
  const others = useOthers();
  const moving = others.filter((one) => isMoving(one.state));
  return moving.map((one) => <Ghost key={one.sessionId} presence={one} />);
}

function Ghost({ presence }: { readonly presence: Presence }): ReactNode {
  const shown = useReadable(useGrid().view.shown);
  const { name, color, rect } = presenceOf(presence);
  if (shown === null || rect === null) return null;
  const { left, top, width, height } = boxOf(clamped(rect, shown.layout.columns), shown.geometry);
  const style = { transform: `translate(${left}px, ${top}px)`, width, height, '--who': color } as CSSProperties;
  return (
    <div className="ghost" style={style} aria-hidden="true">
      <span className="ghost-name">{name}</span>
    </div>
  );
}

function isMoving(state: Json): boolean {
  const mode = typeof state === 'object' && state !== null && 'mode' in state ? state.mode : null;
  return mode === 'drag' || mode === 'resize';
}

/** What somebody else says may be anything: never outside of the grid. */
function clamped({ x, y, w, h }: Omit<Rectangle, 'static'>, columns: number): Omit<Rectangle, 'static'> {
  const width = Math.min(Math.max(w, 1), columns);
  return {
    x: Math.min(Math.max(x, 0), columns - width),
    y: Math.max(y, 0),
    w: width,
    h: Math.min(Math.max(h, 1), 1000),
  };
}
