import type { ClientEvents, DashboardSummary, DashwireClient, EditOptions } from '../api.ts';
import type { Change, DashboardDocument, Patch, Widget } from '../document.ts';
import { equal } from '../equal.ts';
import { DashwireError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { ConflictPayload, Entry, Overwritten, ServerMessage } from '../message.ts';
import type { Op } from '../operation.ts';
import { report } from '../platform.ts';
import { getAt, isObject, member } from '../pointer.ts';
import { isSealed, type Sealing } from '../sealing.ts';
import type { ConnectionEvents } from '../transport.ts';
import { decide, openField } from './clash.ts';
import { KeyRing, type KeyRingOptions } from './keyring.ts';
import { type FieldPatterns, Fields, type Owner } from './place.ts';
import { prepareOp } from './prepare.ts';
import { type Reencrypted, type ReencryptOptions, reencrypt } from './reencrypt.ts';
import { sealOp } from './seal.ts';
import { Vault } from './vault.ts';

export interface EncryptionOptions {
  /** Which fields are encrypted when they are written. What is encrypted is opened wherever it stands. */
  readonly fields: FieldPatterns;
  readonly keys: KeyRing | KeyRingOptions;
}

/** Encrypted fields of one client: give it to `createClient` as `encryption`. */
export interface FieldEncryption extends Sealing {
  readonly keys: KeyRing;
  /** Seals with the current key what is in plain, under an older key, or was sealed for the dashboard that this is a copy of. */
  reencrypt(client: DashwireClient, dashboardId: string, options?: ReencryptOptions): Promise<Reencrypted>;
}

export function createEncryption({ fields, keys }: EncryptionOptions): FieldEncryption {
  return new Encryption(new Fields(fields), keys instanceof KeyRing ? keys : new KeyRing(keys));
}

/** An opened part of a document, and whether it stays what it is when keys come and go. */
interface Opened {
  readonly value: unknown;
  readonly place: string;
  readonly revision: number;
}

class Encryption implements FieldEncryption {
  readonly keys: KeyRing;
  readonly #fields: Fields;
  readonly #vault: Vault;
  /** Clients that show something; one that is gone is forgotten. */
  #clients: readonly WeakRef<() => void>[] = [];
  readonly #opened = new WeakMap<object, Opened>();
  /** The documents that were opened last, and what they are as the server has them. */
  readonly #shown = new Map<string, DashboardDocument>();
  readonly #raw = new WeakMap<DashboardDocument, DashboardDocument>();

  constructor(fields: Fields, keys: KeyRing) {
    this.keys = keys;
    this.#fields = fields;
    this.#vault = new Vault(keys, () => {
      this.#clients = this.#clients.filter((client) => client.deref());
      for (const client of this.#clients) client.deref()?.();
    });
  }

  follow(events: ConnectionEvents, refresh: () => void): ConnectionEvents {
    if (!this.#clients.some((client) => client.deref() === refresh)) {
      this.#clients = [...this.#clients, new WeakRef(refresh)];
    }
    /** What came while something was being opened; null = nothing is. */
    let waiting: ServerMessage[] | null = null;
    const drain = async (own: ServerMessage[]) => {
      for (let message = own[0]; message; message = own[0]) {
        await this.#vault.ready(message);
        if (own !== waiting) return; // the session ended: the next one says it again
        own.shift();
        try {
          events.received(message);
        } catch (error) {
          report(error);
        }
      }
      waiting = null;
    };
    return {
      opened: () => events.opened(),
      received: (message) => {
        const opening = this.#vault.ready(message);
        if (waiting) waiting.push(message);
        else if (opening) {
          waiting = [message];
          void drain(waiting);
        } else events.received(message);
      },
      lost: () => {
        waiting = null;
        events.lost();
      },
    };
  }

  prepare(dashboardId: string, op: Op, seen: DashboardDocument | null, options: EditOptions): Op {
    return prepareOp({ vault: this.#vault, fields: this.#fields, dashboardId, options }, op, seen);
  }

  async seal(item: Parameters<Sealing['seal']>[0]): Promise<DashwireError | undefined> {
    try {
      for (let op: Op | undefined; op !== item.op; ) {
        op = item.op;
        const sealed = await sealOp(this.#vault, op);
        if (op !== item.op || sealed === op) continue; // it has grown meanwhile, or has nothing plain
        item.op = op = sealed;
        item.label = item.words?.(op) ?? item.label;
      }
    } catch (error) {
      if (error instanceof DashwireError) return error;
      return new DashwireError('LOCKED', 'this could not be encrypted', { cause: error });
    }
  }

  ready(value: unknown): Promise<unknown> {
    return this.#vault.ready(value) ?? Promise.resolve();
  }

  open(document: DashboardDocument | null): DashboardDocument | null {
    if (!document) return null;
    this.#shown.set(document.id, document);
    return this.#document(document);
  }

  #document(document: DashboardDocument): DashboardDocument {
    const { id: dashboardId, settings, widgets } = document;
    const opened = this.#once(document, dashboardId, () => ({
      ...document,
      settings: this.#once(settings, `${dashboardId} `, () => {
        return this.#vault.open(settings, { dashboardId, widgetId: null }, '') as JsonObject;
      }),
      widgets: this.#once(widgets, dashboardId, () => {
        const all = Object.entries(widgets).map(([widgetId, widget]) => {
          const open = () => this.#vault.open(widget, { dashboardId, widgetId }, '') as Widget;
          return [widgetId, this.#once(widget, `${dashboardId} ${widgetId}`, open)] as const;
        });
        return all.some(([id, widget]) => widget !== widgets[id]) ? Object.fromEntries(all) : widgets;
      }),
    }));
    const same = opened.settings === settings && opened.widgets === widgets ? document : opened;
    this.#raw.set(same, document);
    return same;
  }

  opened(clash: ConflictPayload): ConflictPayload {
    return { ...clash, fields: clash.fields.map((field) => openField(this.#vault, clash, field)) };
  }

  decide(item: Parameters<Sealing['decide']>[0]): void {
    const [op, clashes] = decide(this.#vault, item.op, item.clashes);
    if (op !== item.op) item.op = op;
    item.clashes = clashes;
  }

  wrap(client: DashwireClient): DashwireClient {
    const read = async <T>(result: Promise<T>, dashboardId = ''): Promise<T> => {
      const raw = await result;
      await this.#vault.ready(raw);
      return this.#read(raw as unknown, dashboardId) as T;
    };
    const { dashboards } = client;
    return {
      ...client,
      dashboards: {
        ...dashboards,
        list: (options) => read(dashboards.list(options)),
        get: (id, options) => read(dashboards.get(id, options), id),
      },
      dashboard: (id) => {
        const dashboard = client.dashboard(id);
        return {
          ...dashboard,
          history: (options) => read(dashboard.history(options), id),
          versionAt: (version, options) => read(dashboard.versionAt(version, options), id),
        };
      },
      on: (event, listener) =>
        client.on(event, (value) => {
          const opened = this.#event(event, value);
          if (opened !== undefined) listener(opened);
        }),
    };
  }

  #event<E extends keyof ClientEvents>(event: E, value: ClientEvents[E]): ClientEvents[E] | undefined {
    if (event === 'entry') return this.#entry(value as Entry) as ClientEvents[E];
    if (event !== 'overwritten') return value;
    const told = value as ClientEvents['overwritten'];
    const { dashboardId, overwrote = [] } = told;
    const now = this.#shown.get(dashboardId);
    const lost = this.#overwritten(dashboardId, overwrote).filter(({ widgetId, path, value: was }, i) => {
      if (was === undefined || was === overwrote[i]?.value) return true; // it was not sealed
      const owner = { dashboardId, widgetId: widgetId ?? null };
      const is = getAt(widgetId === undefined ? now?.settings : member(now?.widgets, widgetId), path);
      return is === undefined || !equal(was, this.#vault.open(is, owner, path));
    });
    return lost.length > 0 ? ({ ...told, overwrote: lost } as unknown as ClientEvents[E]) : undefined;
  }

  async reencrypt(client: DashwireClient, dashboardId: string, options: ReencryptOptions = {}): Promise<Reencrypted> {
    const raw = (shown: DashboardDocument) => this.#raw.get(shown) ?? shown;
    return reencrypt({ vault: this.#vault, fields: this.#fields, client, raw }, dashboardId, options);
  }

  /** Opened once for as long as it stays what it is. */
  #once<T extends object>(raw: T, place: string, open: () => T): T {
    const { revision } = this.#vault;
    const known = this.#opened.get(raw);
    if (known?.place === place && known.revision === revision) return known.value as T;
    const now = open();
    const value = known?.place === place && equal(known.value as Json, now as unknown as Json) ? known.value : now;
    this.#opened.set(raw, { value, place, revision });
    return value as T;
  }

  #read(result: unknown, dashboardId: string): unknown {
    if (!isObject(result)) return result;
    const { entries, dashboards, widgets, settings } = result as unknown as {
      entries?: readonly Entry[];
      dashboards?: readonly DashboardSummary[];
    } & Partial<DashboardDocument>;
    if (widgets && settings) return this.#document({ ...(result as unknown as DashboardDocument), id: dashboardId });
    if (entries) return { ...result, entries: entries.map((entry) => this.#entry(entry)) };
    if (dashboards) return { ...result, dashboards: dashboards.map((row) => this.#summary(row)) };
    return result;
  }

  #summary(row: DashboardSummary): DashboardSummary {
    if (!isSealed(row.title)) return row;
    const { title, ...rest } = row;
    const opened = this.#vault.open(title, { dashboardId: row.id, widgetId: null }, '/title');
    return typeof opened === 'string' ? { ...rest, title: opened } : rest;
  }

  #entry(entry: Entry): Entry {
    const { dashboardId, change, overwrote } = entry;
    const lost = overwrote && { overwrote: this.#overwritten(dashboardId, overwrote) };
    return { ...entry, change: this.#change(dashboardId, change), ...lost };
  }

  #overwritten(dashboardId: string, overwrote: readonly Overwritten[]): readonly Overwritten[] {
    return overwrote.map((lost) => {
      const { value, widgetId = null, path } = lost;
      return value === undefined ? lost : { ...lost, value: this.#vault.open(value, { dashboardId, widgetId }, path) };
    });
  }

  #change(dashboardId: string, change: Change): Change {
    const widgets = Object.entries(change.widgets ?? {}).map(([widgetId, to]) => {
      const owner = { dashboardId, widgetId };
      if (to === null) return [widgetId, to] as const;
      if ('value' in to) return [widgetId, { value: this.#vault.open(to.value, owner, '') }] as const;
      return [widgetId, this.#patch(owner, to)] as const;
    });
    return {
      ...change,
      ...(change.settings && { settings: this.#patch({ dashboardId, widgetId: null }, change.settings) }),
      ...(change.widgets && { widgets: Object.fromEntries(widgets) as Change['widgets'] }),
    };
  }

  #patch(owner: Owner, { set, unset }: Patch): Patch {
    const opened = Object.entries(set ?? {}).map(([path, to]) => [path, this.#vault.open(to, owner, path)]);
    return { ...(set && { set: Object.fromEntries(opened) as Patch['set'] }), ...(unset && { unset }) };
  }
}
