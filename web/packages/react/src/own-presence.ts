import type { Dashboard, Json, JsonObject } from '@dashwire/client';

/** A part of one's presence; `null` takes a field away. */
export type PresencePatch = { readonly [key: string]: Json };

/**
 * One's own presence on a dashboard, put together from who one is and where one is (W3). What changes within one turn of the
 * event loop is sent once: leaving a widget for the next one is one message.
 */
export class OwnPresence {
  readonly #dashboard: Dashboard;
  #who: JsonObject = {};
  #where: JsonObject = {};
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
    this.#where = { ...this.#where, ...patch };
    this.#send();
  };

  /** Nothing, if one is at another widget by now. */
  leave(widgetId: string): void {
    if (this.#where.widgetId === widgetId) this.update({ widgetId: null, mode: null });
  }

  #send(): void {
    if (this.#due) return;
    this.#due = true;
    queueMicrotask(() => {
      this.#due = false;
      const fields = Object.entries({ ...this.#who, ...this.#where }).filter(([, value]) => value !== null);
      const state = Object.fromEntries(fields);
      const text = JSON.stringify(state);
      if (text === this.#sent) return;
      this.#sent = text;
      this.#dashboard.setPresence(state);
    });
  }
}
