import type { Dashboard, Json, JsonObject } from '@dashwire/client';

/** A part of one's presence; `null` takes a field back. */
export type PresencePatch = { readonly [key: string]: Json };

/**
 * One's own presence on a dashboard, put together from who one is, what the app says, and the widgets that one is at (W3).
 * Where one is was said by several: the last one who says what is done there is believed, and those before again when that is
 * taken back. What changes within one turn of the event loop is sent once.
 */
export class OwnPresence {
  readonly #dashboard: Dashboard;
  #who: JsonObject = {};
  #said: JsonObject = {};
  /** `#said` among them. */
  #places: readonly JsonObject[] = [this.#said];
  #sent = '{}';
  #due = false;

  constructor(dashboard: Dashboard) {
    this.#dashboard = dashboard;
  }

  /** Who one is: replaces what was said before. */
  introduce(who: JsonObject): void {
    this.#who = who;
    this.#send();
  }

  update = (patch: PresencePatch): void => {
    const before = this.#said;
    this.#said = known({ ...before, ...patch });
    const moved = 'widgetId' in patch || 'mode' in patch;
    this.#places = moved
      ? [...this.#places.filter((one) => one !== before), this.#said]
      : this.#places.map((one) => (one === before ? this.#said : one));
    this.#send();
  };

  /** One is at the widget, until what is returned is called. `mode` is what one does there; '' = nothing in particular. */
  enter(widgetId: string, mode: string): () => void {
    const place = known({ widgetId, mode: mode === '' ? null : mode });
    this.#places = [...this.#places, place];
    this.#send();
    return () => {
      this.#places = this.#places.filter((one) => one !== place);
      this.#send();
    };
  }

  #send(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      const at = this.#places.findLast((one) => one.mode !== undefined) ?? this.#places.findLast((one) => one.widgetId);
      const { widgetId = null, mode = null } = at ?? {};
      const state = known({ ...this.#who, ...this.#said, widgetId, mode });
      const text = JSON.stringify(state);
      if (text === this.#sent) return;
      this.#sent = text;
      this.#dashboard.setPresence(state);
    });
  }
}

/** Without the fields that are null. */
function known(fields: JsonObject): JsonObject {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== null));
}
