import type {
  ClientOptions,
  Dashboard,
  DashboardSummary,
  Dashboards,
  ImportResult,
  NamedVersion,
  Platform,
} from './api.ts';
import type { DashboardDocument } from './document.ts';
import type { Endpoints } from './endpoint.ts';
import { DashwireError, errorOf } from './errors.ts';
import type { Json } from './json.ts';
import type { Entry } from './message.ts';
import { isId, isObject } from './pointer.ts';
import { problemIn } from './problem.ts';
import { decodeJson } from './wire.ts';

export interface RestOptions {
  readonly endpoints: Pick<Endpoints, 'dashboards'>;
  readonly platform: Pick<Platform, 'fetch'>;
  /** On a server without sign-in (C1). */
  readonly userId?: string;
  readonly token?: ClientOptions['token'];
  /** Who writes, so that one's own writes over REST are one's own (C6). */
  readonly clientId?: string | Promise<string>;
  /** Ends what is under way, such as when the client is destroyed. */
  readonly signal?: AbortSignal;
  /** Told the id of a dashboard that was made or brought back. */
  readonly made?: (id: string) => void;
}

/** What the REST interface does for one dashboard (H3). */
export interface RestDashboard extends Pick<Dashboard, 'history' | 'versionAt' | 'nameVersion' | 'restore'> {
  /** The versions that have names, the newest first. */
  versions(options?: { signal?: AbortSignal }): Promise<readonly NamedVersion[]>;
}

export interface Rest {
  readonly dashboards: Dashboards;
  dashboard(id: string): RestDashboard;
}

/** How long an answer may take, in ms; a file may take longer. */
const patienceMs = 60_000;
const transferMs = 600_000;

interface Request {
  readonly method?: 'POST' | 'PUT' | 'DELETE';
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>;
  readonly body?: string;
  readonly signal?: AbortSignal;
  readonly timeoutMs?: number;
}

/**
 * The REST interface of a server. Whatever goes wrong rejects with a DashwireError: `NETWORK` where there was no answer, and
 * `ABORTED` by the caller's signal.
 */
export function createRest(options: RestOptions): Rest {
  const { endpoints, platform } = options;

  /** The text of an answer. */
  async function request(path: readonly string[], given: Request = {}): Promise<string> {
    const { method = 'GET', query = {}, body, timeoutMs = patienceMs } = given;
    const url = new URL(endpoints.dashboards);
    for (const part of path) url.pathname += `/${encodeURIComponent(part)}`;
    for (const [key, value] of Object.entries({ userId: options.userId, ...query })) {
      if (value !== undefined && value !== '') url.searchParams.set(key, String(value));
    }
    const headers = new Headers();
    const token = await fresh();
    if (token !== null) headers.set('Authorization', `Bearer ${token}`);
    const clientId = await options.clientId;
    if (method !== 'GET' && clientId) headers.set('Dashwire-Client', clientId);
    if (body !== undefined) headers.set('Content-Type', 'application/json');
    const ends = [options.signal, given.signal].filter((signal) => signal !== undefined);
    try {
      const signal = AbortSignal.any([...ends, AbortSignal.timeout(timeoutMs)]);
      const response = await platform.fetch(url, { method, headers, body, signal, cache: 'no-store' });
      const text = await response.text();
      if (!response.ok) throw errorOf(problemIn(response, text));
      return text;
    } catch (cause) {
      if (cause instanceof DashwireError) throw cause;
      if (ends.some((signal) => signal.aborted))
        throw new DashwireError('ABORTED', 'the request was called off', { cause });
      throw new DashwireError('NETWORK', 'the server did not answer; try again', { retryable: true, cause });
    }
  }

  async function fresh(): Promise<string | null> {
    try {
      return (await options.token?.()) ?? null;
    } catch (cause) {
      throw new DashwireError('UNAUTHENTICATED', 'the app gave no token; sign in again', { retryable: true, cause });
    }
  }

  async function read(path: readonly string[], given?: Request): Promise<Json> {
    return parsed(await request(path, given));
  }

  async function document(id: string, path: readonly string[], given?: Request): Promise<DashboardDocument> {
    const value = await read(path, given);
    // Checked like a snapshot on the other ways.
    const { epoch, version } = fields(value, { epoch: 'string', version: 'number' });
    const payload = { mode: 'snapshot', role: 'viewer', dashboardId: id, horizon: 0, epoch, version, document: value };
    const message = decodeJson({ type: 'SYNC_RESPONSE', payload } as Json);
    if (message.kind !== 'sync-response' || !message.response.document) throw unreadable();
    return message.response.document;
  }

  const dashboards: Dashboards = {
    async list({ limit, cursor, query, deleted, signal } = {}) {
      const value = await read([], { query: { limit, cursor, q: query, deleted: deleted || undefined }, signal });
      const { dashboards: list, next = null } = fields(value, { dashboards: 'array' });
      const rows = (list as Json[]).map((row) => {
        fields(row, {
          id: 'string',
          epoch: 'string',
          version: 'number',
          widgets: 'number',
          updated: 'string',
          role: 'string',
        });
        return row as unknown as DashboardSummary;
      });
      return { dashboards: rows, cursor: next as string | null };
    },
    async get(id, { signal } = {}) {
      return document(id, at(id), { signal });
    },
    async create({ id, title } = {}) {
      const made = created(await read([], { method: 'POST', body: JSON.stringify({ id, title }) }));
      options.made?.(made.id);
      return made;
    },
    async duplicate(id, { title, version } = {}) {
      return created(await read(at(id, 'duplicate'), { method: 'POST', body: JSON.stringify({ title, version }) }));
    },
    async delete(id) {
      await request(at(id), { method: 'DELETE' });
    },
    async undelete(id) {
      await request(at(id, 'undelete'), { method: 'POST', body: '{}' }); // the server takes JSON only from a page (H1)
      options.made?.(id);
    },
    async import(body, { id, replace } = {}) {
      const query = { id, replace: replace || undefined };
      const value = await read(['import'], { method: 'POST', query, body, timeoutMs: transferMs });
      const { title, drawn, kept, notes } = fields(value, { drawn: 'number', kept: 'number', notes: 'array' });
      const made = created(value);
      options.made?.(made.id);
      return { ...made, title: title ?? '', drawn, kept, notes } as unknown as ImportResult;
    },
    async export(id, format = 'dashwire') {
      return request(at(id, 'export'), { query: { format }, timeoutMs: transferMs });
    },
  };

  return {
    dashboards,
    dashboard: (id) => ({
      async history({ before, limit, signal } = {}) {
        const value = await read(at(id, 'history'), { query: { before, limit }, signal });
        const { entries, next = null } = fields(value, { entries: 'array' });
        return { entries: (entries as Json[]).map(entryOf), before: next as number | null };
      },
      async versionAt(version, { signal } = {}) {
        return document(id, at(id, 'versions', String(version)), { signal });
      },
      async versions({ signal } = {}) {
        const { versions } = fields(await read(at(id, 'versions'), { signal }), { versions: 'array' });
        return versions as unknown as readonly NamedVersion[];
      },
      async nameVersion(version, name) {
        const path = at(id, 'versions', String(version));
        if (name === null) await request(path, { method: 'DELETE' });
        else await request(path, { method: 'PUT', body: JSON.stringify({ name }) });
      },
      async restore(toVersion) {
        await request(at(id, 'restore'), { method: 'POST', body: JSON.stringify({ toVersion }) });
      },
    }),
  };
}

/** The path of a dashboard. An id that is none could lead elsewhere. */
function at(id: string, ...more: readonly string[]): readonly string[] {
  if (!isId(id))
    throw new DashwireError('INVALID_ID', `${JSON.stringify(id)} cannot be the id of a dashboard`, { path: 'id' });
  return [id, ...more];
}

function unreadable(): DashwireError {
  return new DashwireError('INTERNAL', 'the answer is none of a Dashwire server: look at the address', {
    retryable: false,
  });
}

function parsed(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch {
    throw unreadable();
  }
}

/** An object of the server whose members are what is expected. */
function fields(
  value: Json,
  expected: Readonly<Record<string, 'string' | 'number' | 'array'>>,
): Record<string, Json | undefined> {
  if (!isObject(value)) throw unreadable();
  for (const [key, type] of Object.entries(expected)) {
    const is = value[key];
    if (type === 'array' ? !Array.isArray(is) : typeof is !== type) throw unreadable();
  }
  return value;
}

function created(value: Json): { readonly id: string } {
  return { id: fields(value, { id: 'string' }).id as string };
}

function entryOf(value: Json): Entry {
  const message = decodeJson(value);
  if (message.kind !== 'entry') throw unreadable();
  return message.entry;
}
