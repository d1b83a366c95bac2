import type { Json, JsonObject, Presence, Rectangle } from '@dashwire/client';
import { personOf } from './person.ts';

/** What a presence says by the convention of this app (W3). */
export interface Whereabouts {
  readonly name: string;
  /** A colour that white letters can be read on. */
  readonly color: string;
  readonly widgetId: string | null;
  /** `drag`, `resize`, `edit`; '' = looking. */
  readonly mode: string;
  /** Where a tile is about to go. */
  readonly rect: Omit<Rectangle, 'static'> | null;
}

/** Reads somebody's presence. It comes from others, so anything may stand in it; what is not as it should be is left out. */
export function presenceOf({ state, userId }: Pick<Presence, 'state' | 'userId'>): Whereabouts {
  const { name, color, widgetId, mode, rect } = fieldsOf(state);
  const shown = typeof name === 'string' && name.trim() !== '' ? name.trim().slice(0, 60) : userId || 'Somebody';
  return {
    name: shown,
    color: typeof color === 'string' && /^#[0-9a-f]{6}$/i.test(color) ? color : personOf(shown).color,
    widgetId: typeof widgetId === 'string' ? widgetId : null,
    mode: typeof mode === 'string' ? mode : '',
    rect: rectOf(rect),
  };
}

function rectOf(value: Json | undefined): Whereabouts['rect'] {
  const { x, y, w, h } = fieldsOf(value ?? null);
  if (!isCells(x) || !isCells(y) || !isCells(w) || !isCells(h)) return null;
  return { x, y, w, h };
}

function isCells(value: Json | undefined): value is number {
  return Number.isSafeInteger(value);
}

function fieldsOf(state: Json): JsonObject {
  return typeof state === 'object' && state !== null && !Array.isArray(state) ? (state as JsonObject) : {};
}
