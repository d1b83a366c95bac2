import { type Dashboard, type DashboardDocument, DashwireError, type Readable, Store } from '@dashwire/client';
import { pause, troubleOf } from '../shell/away.ts';
import { sharing } from './differences.ts';

export interface PastState {
  /** What is asked for; null = now. */
  readonly version: number | null;
  /** The last version that came, which is shown until the next is there. */
  readonly document: DashboardDocument | null;
  readonly loading: boolean;
  /** In words. */
  readonly error: string | null;
}

/** How long scrubbing may rest before a version is asked for, in ms, and how many are kept. */
const restMs = 60;
const mostKept = 8;

const dropped = 'This version is no longer kept: the server drops what is older than it was told to keep.';

const now: PastState = { version: null, document: null, loading: false, error: null };

/** The one older version that is looked at. Of versions that were only passed by, none is loaded. */
export class Past {
  readonly #dashboard: Pick<Dashboard, 'versionAt' | 'state'>;
  readonly #store = new Store<PastState>(now);
  /** In the order of last use. */
  readonly #kept = new Map<number, DashboardDocument>();
  #request = new AbortController();
  #timer: ReturnType<typeof setTimeout> | undefined;
  #epoch = '';

  constructor(dashboard: Pick<Dashboard, 'versionAt' | 'state'>) {
    this.#dashboard = dashboard;
  }

  get state(): Readable<PastState> {
    return this.#store;
  }

  /** null = now. */
  show(version: number | null): void {
    this.stop();
    const { epoch } = this.#dashboard.state.getSnapshot();
    if (epoch !== this.#epoch) this.#kept.clear(); // another numbering: the same number is another version
    this.#epoch = epoch;
    const document = version === null ? undefined : this.#kept.get(version);
    if (version === null) this.#store.set(now);
    else if (document !== undefined) this.#keep(version, document);
    else {
      this.#store.set({ ...this.#store.getSnapshot(), version, loading: true, error: null });
      this.#timer = setTimeout(() => void this.#load(version), restMs);
    }
  }

  retry(): void {
    this.show(this.#store.getSnapshot().version);
  }

  /** The connection is back: what could not be read is read again. */
  back(): void {
    const { version, error } = this.#store.getSnapshot();
    if (version === null || error === null) return;
    this.stop();
    void this.#load(version);
  }

  stop(): void {
    clearTimeout(this.#timer);
    this.#request.abort();
  }

  async #load(version: number): Promise<void> {
    const request = new AbortController();
    this.#request = request;
    try {
      const document = await this.#dashboard.versionAt(version, { signal: request.signal });
      if (request.signal.aborted) return;
      this.#keep(version, sharing(document, this.#dashboard.state.getSnapshot().document));
    } catch (error) {
      if (request.signal.aborted) return;
      const { words, again } = await troubleOf(error, `Version ${version.toLocaleString('en')}`);
      if (request.signal.aborted) return;
      const gone = error instanceof DashwireError && error.code === 'GONE';
      this.#store.set({ version, document: null, loading: false, error: gone ? dropped : words });
      if (again) this.#timer = setTimeout(() => void this.#load(version), pause);
    }
  }

  #keep(version: number, document: DashboardDocument): void {
    this.#kept.delete(version);
    this.#kept.set(version, document);
    for (const old of this.#kept.keys()) {
      if (this.#kept.size <= mostKept) break;
      this.#kept.delete(old);
    }
    this.#store.set({ version, document, loading: false, error: null });
  }
}
