import { equal } from './equal.ts';
import { Family } from './family.ts';
import type { Json } from './json.ts';
import type { WidgetData } from './message.ts';
import { member } from './pointer.ts';
import type { Readable } from './store.ts';

/** How many points a window holds if nobody says (W1). */
const maxWindow = 1_000;

/**
 * The newest live values of one dashboard (W1). A window is kept whole: its value is an array of points, the newest last,
 * as `replace`. Each value that comes is a new object, and nothing is changed in place.
 */
export class LiveValues {
  readonly #values = new Map<string, WidgetData>();
  readonly #stores = new Family((id) => this.#values.get(id));

  /** The value of a widget; undefined = none that this server knows. */
  readonly widget = (id: string): Readable<WidgetData | undefined> => this.#stores.get(id);

  /** Takes what a SYNC_RESPONSE has: it replaces all that was known. */
  replace(data: Readonly<Record<string, WidgetData>>): void {
    const news: Record<string, WidgetData> = {};
    for (const [id, value] of Object.entries(data)) {
      const was = this.#values.get(id);
      const now = after(undefined, value);
      if (!was || was.window !== now.window || !equal(was.data, now.data)) news[id] = value;
    }
    this.drop([...this.#values.keys()].filter((id) => !member(data, id)));
    this.apply(news);
  }

  /**
   * Takes a WIDGET_DATA message: an equal value that came again is a new one too, so that a view knows that it is fresh. Who
   * watches a widget hears of it once, however much the message has.
   */
  apply(values: Readonly<Record<string, WidgetData>>): void {
    const ids = Object.keys(values);
    for (const id of ids) this.#values.set(id, after(this.#values.get(id), values[id] as WidgetData));
    this.#stores.update(ids);
  }

  /** Forgets the values of widgets that are gone (W2). */
  drop(ids: readonly string[]): void {
    for (const id of ids) this.#values.delete(id);
    this.#stores.update(ids);
  }
}

/** The value after what came. A window is that of the last message; appending to a plain value begins anew. */
function after(was: WidgetData | undefined, { data, mode, window }: WidgetData): WidgetData {
  if (!Array.isArray(data) || (mode === 'replace' && window === undefined)) {
    return { data, mode: 'replace' };
  }
  const size = Math.min(window ?? maxWindow, maxWindow);
  const old = mode === 'append' && was?.window !== undefined ? (was.data as readonly Json[]) : [];
  const points = old.slice(Math.max(old.length + data.length - size, 0));
  for (const point of data.length > size ? data.slice(-size) : (data as readonly Json[])) points.push(point);
  return { data: points, mode: 'replace', window: size };
}
