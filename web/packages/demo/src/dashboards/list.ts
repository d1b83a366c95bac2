import { type DashboardSummary, type Dashboards, type Readable, Store } from '@dashwire/client';
import { pause, troubleOf } from '../shell/away.ts';

export interface ListState {
  /** Whether it is the list of the deleted ones. */
  readonly deleted: boolean;
  readonly dashboards: readonly DashboardSummary[];
  /** `first`: nothing is there to be shown yet; `more`: the next page is on its way. */
  readonly loading: 'first' | 'more' | null;
  readonly hasMore: boolean;
  /** In words. */
  readonly error: string | null;
}

export interface Asked {
  readonly query: string;
  readonly deleted: boolean;
}

const perPage = 30;
const empty: ListState = { deleted: false, dashboards: [], loading: 'first', hasMore: false, error: null };

/** The list of dashboards, page by page. A new question calls the one before off. */
export class DashboardList {
  readonly #dashboards: Dashboards;
  readonly #store = new Store<ListState>(empty);
  #asked: Asked = { query: '', deleted: false };
  #cursor: string | null = null;
  /** What the error is of. */
  #failed: 'first' | 'more' = 'first';
  #request = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(dashboards: Dashboards) {
    this.#dashboards = dashboards;
  }

  get state(): Readable<ListState> {
    return this.#store;
  }

  /** Begins anew. What is shown of the same list stays until the answer is there. */
  ask(asked: Asked): Promise<void> {
    if (asked.deleted !== this.#asked.deleted) this.#store.set({ ...empty, deleted: asked.deleted });
    this.#asked = asked;
    this.#cursor = null;
    return this.#load('first');
  }

  more(): Promise<void> {
    const { loading, hasMore } = this.#store.getSnapshot();
    return loading === null && hasMore ? this.#load('more') : Promise.resolve();
  }

  reload(): Promise<void> {
    return this.ask(this.#asked);
  }

  /** The connection is back: what could not be read is read again. */
  back(): void {
    if (this.#store.getSnapshot().error !== null) void this.#load(this.#failed, true);
  }

  /** Takes one out of what is shown, before the server says so. */
  remove(id: string): void {
    const state = this.#store.getSnapshot();
    this.#store.set({ ...state, dashboards: state.dashboards.filter((one) => one.id !== id) });
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#request.abort();
  }

  /** `again`: by itself, without a sign of it until something comes. */
  async #load(loading: 'first' | 'more', again = false): Promise<void> {
    this.stop();
    const request = new AbortController();
    this.#request = request;
    if (!again) this.#store.set({ ...this.#store.getSnapshot(), loading, error: null });
    try {
      const { query, deleted } = this.#asked;
      const page = await this.#dashboards.list({
        limit: perPage,
        cursor: this.#cursor ?? undefined,
        query: query.trim(),
        deleted,
        signal: request.signal,
      });
      if (request.signal.aborted) return;
      this.#cursor = page.cursor;
      const known = loading === 'more' ? this.#store.getSnapshot().dashboards : [];
      const dashboards = [...known, ...page.dashboards];
      this.#store.set({ deleted, dashboards, loading: null, hasMore: page.cursor !== null, error: null });
    } catch (error) {
      if (request.signal.aborted) return;
      const { words, again: comes } = await troubleOf(error, 'The list');
      if (request.signal.aborted) return;
      this.#failed = loading;
      this.#store.set({ ...this.#store.getSnapshot(), loading: null, error: words });
      if (comes) this.#timer = setTimeout(() => void this.#load(loading, true), pause);
    }
  }
}
