import { type Author, type Dashboard, type Entry, type Readable, Store } from '@dashwire/client';
import { pause, troubleOf } from '../shell/away.ts';
import { titlesIn, wordsOf } from './words.ts';

/** One entry as the list shows it. Its change is not kept: a long history stays small. */
export interface Row {
  readonly version: number;
  /** When it was committed, in ms since 1970 by the server's clock. */
  readonly at: number;
  readonly author: Author;
  readonly words: string;
}

export interface LogState {
  /** Newest first, without gaps. */
  readonly rows: readonly Row[];
  readonly loading: 'first' | 'more' | null;
  readonly hasMore: boolean;
  /** In words. */
  readonly error: string | null;
}

const perPage = 50;
/** What is older is reached by the slider; the list ends here. */
export const mostRows = 5000;

/** The history of a dashboard, newest first, loaded as far as somebody looks. */
export class HistoryLog {
  readonly #dashboard: Pick<Dashboard, 'history' | 'widget'>;
  readonly #store = new Store<LogState>({ rows: [], loading: 'first', hasMore: false, error: null });
  /** Of widgets that are gone, or that were called otherwise. */
  readonly #titles = new Map<string, string>();
  #before: number | null = null;
  /** What the error is of, as `#load` takes it. */
  #failed: number | null = null;
  #request = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;

  constructor(dashboard: Pick<Dashboard, 'history' | 'widget'>) {
    this.#dashboard = dashboard;
  }

  get state(): Readable<LogState> {
    return this.#store;
  }

  /** Loads the newest page, and puts it before what is known if they meet. */
  refresh(): Promise<void> {
    return this.#load(null);
  }

  more(): Promise<void> {
    const { loading, hasMore } = this.#store.getSnapshot();
    return loading === null && hasMore ? this.#load(this.#before) : Promise.resolve();
  }

  /** The connection is back: what could not be read is read again. */
  back(): void {
    if (this.#store.getSnapshot().error !== null) void this.#load(this.#failed, true);
  }

  /** One version, whether it is in the list or not; undefined = the log does not have it. */
  async find(version: number, signal: AbortSignal): Promise<Row | undefined> {
    const known = this.#store.getSnapshot().rows.find((row) => row.version === version);
    if (known) return known;
    const { entries } = await this.#dashboard.history({ before: version + 1, limit: 1, signal });
    return this.#rows(entries).find((row) => row.version === version);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#request.abort();
  }

  /** `again`: by itself, without a sign of it until something comes. */
  async #load(before: number | null, again = false): Promise<void> {
    this.stop();
    const request = new AbortController();
    this.#request = request;
    const was = this.#store.getSnapshot();
    if (!again) this.#store.set({ ...was, loading: was.rows.length === 0 ? 'first' : 'more', error: null });
    try {
      const page = await this.#dashboard.history({
        before: before ?? undefined,
        limit: perPage,
        signal: request.signal,
      });
      if (request.signal.aborted) return;
      this.#take(before === null, this.#rows(page.entries), page.before);
    } catch (error) {
      if (request.signal.aborted) return;
      const { words, again: comes } = await troubleOf(error, 'The history');
      if (request.signal.aborted) return;
      this.#failed = before;
      this.#store.set({ ...this.#store.getSnapshot(), loading: null, error: words });
      if (comes) this.#timer = setTimeout(() => void this.#load(before, true), pause);
    }
  }

  #take(newest: boolean, page: readonly Row[], before: number | null): void {
    const { rows } = this.#store.getSnapshot();
    const oldest = page.at(-1)?.version ?? 0;
    const known = newest ? rows.filter((row) => row.version < oldest) : rows;
    const meets = newest && known[0]?.version === oldest - 1 && rows.length > 0;
    // A page that does not reach what is known replaces it: there are never gaps.
    const all = newest ? (meets ? [...page, ...known] : page) : [...known, ...page];
    if (!meets) this.#before = before;
    const hasMore = this.#before !== null && all.length < mostRows;
    this.#store.set({ rows: all, loading: null, hasMore, error: null });
  }

  #rows(entries: readonly Entry[]): readonly Row[] {
    for (const { change } of entries) {
      for (const [id, title] of titlesIn(change)) if (!this.#titles.has(id)) this.#titles.set(id, title);
    }
    const titleOf = (id: string) => {
      const now = this.#dashboard.widget(id).getSnapshot()?.title;
      return typeof now === 'string' && now.trim() !== '' ? now : (this.#titles.get(id) ?? id);
    };
    return entries.map((entry) => ({
      version: entry.version,
      at: Date.parse(entry.timestamp),
      author: entry.author,
      words: wordsOf(entry, titleOf),
    }));
  }
}
