/** A client whose stores a test sets as it likes, for states that a server brings about only with patience. */
import {
  type Conflict,
  type ConnectionStatus,
  type Dashboard,
  type DashboardState,
  type DashwireClient,
  type Json,
  type JsonObject,
  type Layout,
  type PendingOperation,
  type Presence,
  type Readable,
  Store,
  type SyncStatus,
  type UndoState,
  type Widget,
  type WidgetData,
} from '@dashwire/client';

export const saved: SyncStatus = {
  state: 'saved',
  pending: 0,
  conflicts: 0,
  rejected: 0,
  pendingSince: null,
  lastSavedAt: null,
  durable: true,
};

export const live: ConnectionStatus = {
  state: 'live',
  transport: 'websocket',
  attempt: 0,
  retryAt: null,
  since: 0,
  error: null,
  sessionId: 'S1',
  clientId: 'C1',
  userId: 'me',
  limits: null,
  clockOffset: 0,
  latency: null,
};

/** What a test saw the components call. */
export type Call = readonly [name: string, ...args: unknown[]];

export class Scene {
  readonly calls: Call[] = [];
  readonly connection = new Store(live);
  readonly sync = new Store(saved);
  readonly pending = new Store<readonly PendingOperation[]>([]);
  readonly conflicts = new Store<readonly Conflict[]>([]);
  /** Handles that are open, by dashboard. */
  readonly open = new Map<string, number>();
  readonly #stages = new Map<string, Stage>();
  readonly client: DashwireClient;
  /** What `discard` answers. */
  discards = true;

  constructor() {
    const note =
      (name: string) =>
      (...args: unknown[]) => {
        this.calls.push([name, ...args]);
      };
    this.client = {
      connection: this.connection,
      sync: this.sync,
      pending: this.pending,
      conflicts: this.conflicts,
      dashboard: (id: string) => {
        this.open.set(id, (this.open.get(id) ?? 0) + 1);
        return this.stage(id).handle();
      },
      reconnect: note('reconnect'),
      retry: note('retry'),
      resolve: (id: string, choice: unknown) => {
        this.calls.push(['resolve', id, choice]);
        this.conflicts.set(this.conflicts.getSnapshot().filter((one) => one.id !== id));
      },
      discard: (id: string) => {
        this.calls.push(['discard', id]);
        if (this.discards) this.pending.set(this.pending.getSnapshot().filter((one) => one.id !== id));
        return this.discards;
      },
      destroy: async () => note('destroy')(),
    } as Partial<DashwireClient> as DashwireClient;
  }

  stage(id: string): Stage {
    const stage = this.#stages.get(id) ?? new Stage(this, id);
    this.#stages.set(id, stage);
    return stage;
  }
}

/** One dashboard of a scene. */
export class Stage {
  readonly presence = new Store<readonly Presence[]>([]);
  readonly widgets = new Map<string, Store<Widget | undefined>>();
  readonly data = new Map<string, Store<WidgetData | undefined>>();
  readonly undoState = new Store<UndoState>({ canUndo: false, canRedo: false, undoLabel: null, redoLabel: null });
  readonly settings = new Store<JsonObject>({});
  readonly layout = new Store<Layout | undefined>({ columns: 24, compact: 'vertical', items: {} });
  readonly ids = new Store<readonly string[]>([]);
  readonly state: Store<DashboardState>;
  readonly #scene: Scene;
  readonly #id: string;

  constructor(scene: Scene, id: string) {
    this.#scene = scene;
    this.#id = id;
    this.state = new Store<DashboardState>({
      status: 'ready',
      document: null,
      version: 1,
      epoch: 'e',
      role: 'owner',
      stale: false,
      error: null,
    });
  }

  widget(id: string): Store<Widget | undefined> {
    const store = this.widgets.get(id) ?? new Store<Widget | undefined>({ title: id });
    this.widgets.set(id, store);
    return store;
  }

  handle(): Dashboard {
    const scene = this.#scene;
    let closed = false;
    return {
      id: this.#id,
      state: this.state,
      undoState: this.undoState,
      presence: this.presence,
      settings: this.settings,
      widget: (id: string) => this.widget(id),
      widgetIds: () => this.ids,
      layout: () => this.layout,
      data: (id: string) => {
        const store = this.data.get(id) ?? new Store<WidgetData | undefined>(undefined);
        this.data.set(id, store);
        return store;
      },
      pending: (id?: string) =>
        filtered(scene.pending, (one) => one.dashboardId === this.#id && (id === undefined || widgetOf(one.op) === id)),
      conflicts: (id?: string) =>
        filtered(scene.conflicts, (one) => one.dashboardId === this.#id && (id === undefined || one.widgetId === id)),
      setPresence: (state: Json) => {
        scene.calls.push(['setPresence', state]);
      },
      history: async () => ({ entries: [], before: null }),
      close: () => {
        if (closed) throw new Error('closed twice');
        closed = true;
        scene.open.set(this.#id, (scene.open.get(this.#id) ?? 0) - 1);
      },
    } as Partial<Dashboard> as Dashboard;
  }
}

/** Those of a list that fit; the same array until another one fits. */
function filtered<T>(all: Readable<readonly T[]>, fits: (one: T) => boolean): Readable<readonly T[]> {
  let last: readonly T[] = [];
  return {
    subscribe: (listener) => all.subscribe(listener),
    getSnapshot: () => {
      const now = all.getSnapshot().filter(fits);
      if (now.length !== last.length || now.some((one, at) => one !== last[at])) last = now;
      return last;
    },
  };
}

function widgetOf(op: PendingOperation['op']): string | undefined {
  return 'widgetId' in op ? op.widgetId : undefined;
}

export function pendingOperation(fields: Partial<PendingOperation> = {}): PendingOperation {
  return {
    id: 'op1',
    dashboardId: 'd1',
    type: 'WIDGET_UPDATE',
    state: 'queued',
    op: { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'Mine' } },
    label: 'Rename CPU to Mine',
    createdAt: Date.now() - 12_000,
    attempts: 0,
    error: null,
    persisted: true,
    ...fields,
  };
}

export function conflict(fields: Partial<Conflict> = {}): Conflict {
  return {
    id: 'c1',
    dashboardId: 'd1',
    widgetId: 'cpu',
    kind: 'field',
    fields: [
      {
        path: '/title',
        base: 'CPU',
        mine: 'Mine',
        theirs: 'Theirs',
        theirsBy: { userId: 'ana', clientId: 'C2' },
        theirsVersion: 7,
      },
    ],
    operation: pendingOperation({ state: 'conflicted' }),
    at: Date.now(),
    ...fields,
  };
}

export function person(sessionId: string, state: Json, userId = sessionId): Presence {
  return { sessionId, clientId: `client-${sessionId}`, userId, state };
}
