import type { Conflict, DashboardState, NamedVersion, PendingOperation } from './api.ts';
import { widgetKey } from './coalesce.ts';
import type { DashboardDocument, Layout, Widget } from './document.ts';
import { Family } from './family.ts';
import type { Item } from './item.ts';
import type { JsonObject } from './json.ts';
import { isObject, member } from './pointer.ts';
import { PresenceList } from './presence.ts';
import type { Replica } from './replica.ts';
import type { Sealing } from './sealing.ts';
import { type Readable, Store } from './store.ts';
import { LiveValues } from './values.ts';

const nothing: JsonObject = {};

/** What views of one dashboard read. Each value changes only when it has changed. */
export class Views {
  readonly state: Store<DashboardState>;
  readonly settings = new Store<JsonObject>(nothing);
  readonly people = new PresenceList();
  readonly values = new LiveValues();
  readonly namedVersions = new Store<readonly NamedVersion[]>([]);
  readonly #replica: Replica;
  readonly #encryption: Sealing | undefined;
  #items: readonly Item[] = [];
  readonly #widgets = new Family<Widget | undefined>((id) => member(this.#view?.widgets, id));
  readonly #layouts = new Family<Layout | undefined>((name) => member(this.#view?.layouts, name));
  readonly #ids = new Family<readonly string[]>((name, old) => same(old, this.#inOrder(name)));
  readonly #pending = new Family<readonly PendingOperation[]>((key, old) => {
    return same(
      old,
      this.#of(key).map(({ current }) => current.getSnapshot()),
    );
  });
  readonly #conflicts = new Family<readonly Conflict[]>((key, old) => {
    return same(
      old,
      this.#of(key).flatMap(({ conflicts }) => conflicts),
    );
  });

  constructor(replica: Replica, encryption?: Sealing) {
    this.#replica = replica;
    this.#encryption = encryption;
    this.state = new Store<DashboardState>({
      status: 'loading',
      document: null,
      version: 0,
      epoch: '',
      role: null,
      stale: false,
      error: null,
    });
  }

  readonly widget = (id: string): Readable<Widget | undefined> => this.#widgets.get(id);
  readonly layout = (breakpoint = 'main'): Readable<Layout | undefined> => this.#layouts.get(breakpoint);
  readonly widgetIds = (breakpoint = 'main'): Readable<readonly string[]> => this.#ids.get(breakpoint);
  /** Without an id, all of the dashboard. */
  readonly pending = (id?: string): Readable<readonly PendingOperation[]> => this.#pending.get(keyOf(id));
  readonly conflicts = (id?: string): Readable<readonly Conflict[]> => this.#conflicts.get(keyOf(id));

  /** Tells all what has changed in the replica, and in what is given. Who hears of it may edit at once. */
  set(given: Partial<Pick<DashboardState, 'status' | 'role' | 'stale' | 'error'>>): void {
    const was = this.state.getSnapshot().document;
    const now = this.#view;
    if (now !== was) {
      const widgets = now?.widgets ?? {};
      if (widgets !== was?.widgets) {
        this.values.drop(Object.keys(was?.widgets ?? {}).filter((id) => !Object.hasOwn(widgets, id)));
      }
      this.#widgets.update();
      if (now?.layouts !== was?.layouts) this.#layouts.update();
      if (now?.layouts !== was?.layouts || now?.widgets !== was?.widgets) this.#ids.update();
      this.settings.set(now?.settings ?? nothing);
      if (now?.settings.versions !== was?.settings.versions) {
        this.namedVersions.set(named(now?.settings ?? nothing));
      }
    }
    const document = this.#view;
    const { version = 0, epoch = '' } = this.#replica.server ?? {};
    this.state.update({ ...this.state.getSnapshot(), ...given, document, version, epoch });
  }

  /** What the user sees, opened. */
  get #view(): DashboardDocument | null {
    const { view } = this.#replica;
    return this.#encryption?.open(view) ?? view;
  }

  update(): void {
    this.set({});
  }

  /** Tells of the ops of the dashboard; `keys` are the lanes in which something changed, if not in all. */
  pend(items: readonly Item[], keys?: readonly string[]): void {
    this.#items = items;
    this.#pending.update(keys);
    this.#conflicts.update(keys);
  }

  #of(key: string): readonly Item[] {
    return key === '' ? this.#items : this.#items.filter(({ lanes }) => lanes.has(key));
  }

  /** By y and x; what stands nowhere comes last. */
  #inOrder(breakpoint: string): readonly string[] {
    const view = this.#view;
    const items = member(view?.layouts, breakpoint)?.items;
    const rank = (id: string) => {
      const { x, y } = member(items, id) ?? { x: 0, y: 1e9 };
      return y * 1e4 + x;
    };
    const ranks = Object.keys(view?.widgets ?? {}).map((id) => [rank(id), id] as const);
    return ranks.sort(([a, i], [b, j]) => a - b || (i < j ? -1 : 1)).map(([, id]) => id);
  }
}

const keyOf = (id: string | undefined): string => (id === undefined ? '' : widgetKey(id));

/** The old list, if the new one has the same members. */
function same<T>(old: readonly T[] | undefined, now: readonly T[]): readonly T[] {
  return old?.length === now.length && now.every((value, i) => value === old[i]) ? old : now;
}

/** Names of versions are settings (H3); newest first. */
function named({ versions }: JsonObject): readonly NamedVersion[] {
  if (!isObject(versions)) return [];
  const all = Object.entries(versions).flatMap(([version, value]) => {
    if (!isObject(value) || typeof value.name !== 'string') return [];
    const { name, by, at } = value;
    return { version: Number(version), name, by: typeof by === 'string' ? by : null, at: String(at ?? '') };
  });
  return all.sort((a, b) => b.version - a.version);
}
