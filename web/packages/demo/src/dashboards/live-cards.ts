import {
  type Dashboard,
  type DashboardState,
  type DashwireClient,
  type Presence,
  type Readable,
  Store,
} from '@dashwire/client';
import { presenceOf, type Whereabouts } from '../presence.ts';
import { type Miniature, miniatureOf } from './shapes.ts';

/** What a card knows of its dashboard beyond the list: as it is now, while the card is in view. */
export interface CardLife {
  readonly miniature: Miniature | null;
  readonly title: string | null;
  readonly widgets: number | null;
  /** 0 = not known. */
  readonly version: number;
  /** Who has it open now, nobody twice. */
  readonly people: readonly Whereabouts[];
  readonly gone: boolean;
}

const nothing: CardLife = { miniature: null, title: null, widgets: null, version: 0, people: [], gone: false };

/** How many dashboards are followed at once, and how many drawings are kept of those that are not. */
const mostOpen = 16;
const mostKept = 200;

/**
 * The dashboards behind the cards that are in view. Each is followed like one that is open, which alone tells who is there; so
 * there is a bound, and cards beyond it wait until others have left the view.
 */
export class LiveCards {
  readonly #client: Pick<DashwireClient, 'dashboard'>;
  readonly #open = new Map<string, { readonly dashboard: Dashboard; readonly stop: () => void }>();
  readonly #waiting = new Set<string>();
  /** In the order of last use. */
  readonly #lives = new Map<string, Store<CardLife>>();

  constructor(client: Pick<DashwireClient, 'dashboard'>) {
    this.#client = client;
  }

  life(id: string): Readable<CardLife> {
    return this.#life(id);
  }

  /** The card has come into view. */
  enter(id: string): void {
    if (this.#open.has(id)) return;
    if (this.#open.size < mostOpen) this.#follow(id);
    else this.#waiting.add(id);
  }

  /** The card has left it; what it showed is kept for when it comes back. */
  leave(id: string): void {
    this.#waiting.delete(id);
    const open = this.#open.get(id);
    if (open === undefined) return;
    this.#open.delete(id);
    open.stop();
    const life = this.#life(id);
    life.set({ ...life.getSnapshot(), people: [] });
    const [next] = this.#waiting;
    if (next === undefined) return;
    this.#waiting.delete(next);
    this.#follow(next);
  }

  close(): void {
    this.#waiting.clear();
    for (const id of [...this.#open.keys()]) this.leave(id);
  }

  #follow(id: string): void {
    const dashboard = this.#client.dashboard(id);
    const life = this.#life(id);
    let drawn: DashboardState['document'] = null;
    const look = () => {
      const { document, status, version } = dashboard.state.getSnapshot();
      const was = life.getSnapshot();
      const people = peopleOf(dashboard.presence.getSnapshot());
      const gone = status === 'deleted' || status === 'forbidden' || status === 'not-found';
      if (document === null || status !== 'ready') return life.set({ ...was, people, gone });
      const same = drawn?.layouts === document.layouts && drawn.widgets === document.widgets;
      drawn = document;
      const { title } = document.settings;
      life.set({
        miniature: same ? was.miniature : miniatureOf(document),
        title: typeof title === 'string' && title.trim() !== '' ? title : null,
        widgets: Object.keys(document.widgets).length,
        version,
        people,
        gone,
      });
    };
    const stops = [dashboard.state.subscribe(look), dashboard.presence.subscribe(look)];
    this.#open.set(id, {
      dashboard,
      stop: () => {
        for (const stop of stops) stop();
        dashboard.close();
      },
    });
    look();
  }

  #life(id: string): Store<CardLife> {
    const life = this.#lives.get(id) ?? new Store(nothing);
    this.#lives.delete(id);
    this.#lives.set(id, life);
    for (const [old, { watched }] of this.#lives) {
      if (this.#lives.size <= mostKept) break;
      if (watched === 0 && !this.#open.has(old) && old !== id) this.#lives.delete(old);
    }
    return life;
  }
}

function peopleOf(presence: readonly Presence[]): readonly Whereabouts[] {
  const byUser = new Map(presence.map((one) => [one.userId, presenceOf(one)]));
  return [...byUser.values()];
}
