import type { JsonObject, Presence } from '@dashwire/client';

/** How somebody is shown. `color` and `ink` are CSS colours; text in `ink` can be read on `color`. */
export interface Person {
  /** Empty if nothing is known. Comes from somebody else: show it as text only. */
  readonly name: string;
  readonly color: string;
  readonly ink: string;
}

/** What a presence says by convention (W3), as far as it is what it should be: anything may stand there. */
export function personOf({ state, userId, sessionId }: Presence): Person {
  const { name, color } = fieldsOf(state);
  const own = typeof name === 'string' && name.trim() !== '' ? name.trim() : userId;
  const shown = { name: own.slice(0, 60) };
  if (typeof color === 'string' && /^#[0-9a-f]{6}$/i.test(color)) {
    return { ...shown, color, ink: luminance(color) > 0.179 ? '#0b1018' : '#ffffff' };
  }
  const sum = [...(userId || sessionId)].reduce((total, letter) => total + letter.charCodeAt(0), 0);
  return { ...shown, color: `var(--dw-person${sum % 8})`, ink: 'var(--dw-on-person)' };
}

/** Where somebody is and what is being done there; '' = nothing that others should mind. */
export function placeOf({ state }: Presence): { readonly widgetId: string | null; readonly mode: string } {
  const { widgetId, mode } = fieldsOf(state);
  return {
    widgetId: typeof widgetId === 'string' ? widgetId : null,
    mode: typeof mode === 'string' ? mode.slice(0, 60) : '',
  };
}

function fieldsOf(state: Presence['state']): JsonObject {
  return state !== null && typeof state === 'object' && !Array.isArray(state) ? (state as JsonObject) : {};
}

/** Relative luminance as WCAG 2 defines it, 0 to 1. */
function luminance(color: string): number {
  const part = (at: number) => {
    const value = Number.parseInt(color.slice(at, at + 2), 16) / 255;
    return value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4;
  };
  return 0.2126 * part(1) + 0.7152 * part(3) + 0.0722 * part(5);
}
