/** What a test asks the server itself, past all pages. */
import type { Entry, Json, JsonObject, Move, Rectangle, Widget } from '@dashwire/client';

export interface Stored {
  readonly id: string;
  readonly epoch: string;
  readonly version: number;
  readonly settings: JsonObject;
  readonly widgets: Readonly<Record<string, Widget>>;
  readonly layouts: Readonly<Record<string, { readonly columns: number; readonly items: Record<string, Rectangle> }>>;
}

export type HistoryEntry = Pick<Entry, 'id' | 'type' | 'timestamp'> & {
  readonly payload: Pick<Entry, 'version' | 'author' | 'change'>;
};

/** The REST interface (H3), with an error for every refusal. */
export class Rest {
  readonly #base: string;
  readonly #token: string | undefined;

  /** `token`: on a server on which one signs in. */
  constructor(server: { readonly url: string }, token?: string) {
    this.#base = server.url;
    this.#token = token;
  }

  /** Makes a dashboard on a grid of 24 columns. */
  async create(
    id: string,
    widgets: Readonly<Record<string, Widget>>,
    places: Readonly<Record<string, Move>> = {},
    settings: JsonObject = { title: id },
  ): Promise<void> {
    const items = Object.fromEntries(
      Object.entries(places).map(([name, place]) => [name, { static: false, ...place }]),
    );
    const layouts = { main: { columns: 24, compact: 'vertical', items } };
    await this.#send('POST', '', { id, document: { settings, widgets, layouts } });
  }

  async document(id: string): Promise<Stored> {
    return (await this.#send('GET', `/${id}`)).json();
  }

  /** Oldest first. */
  async history(id: string): Promise<readonly HistoryEntry[]> {
    const all: HistoryEntry[] = [];
    for (;;) {
      const after = all.at(-1)?.payload.version ?? 0;
      const answer = await this.#send('GET', `/${id}/history?order=asc&limit=200&after=${after}`);
      const { entries }: { entries: readonly HistoryEntry[] } = await answer.json();
      if (entries.length === 0) return all;
      all.push(...entries);
    }
  }

  async exported(id: string, format: 'dashwire' | 'grafana'): Promise<JsonObject> {
    return (await this.#send('GET', `/${id}/export?format=${format}`)).json();
  }

  async patchWidget(id: string, widgetId: string, changes: JsonObject): Promise<void> {
    await this.#send('PATCH', `/${id}/widgets/${widgetId}`, changes, 'application/merge-patch+json');
  }

  async putWidget(id: string, widgetId: string, widget: Json): Promise<void> {
    await this.#send('PUT', `/${id}/widgets/${widgetId}`, widget);
  }

  async patchSettings(id: string, changes: JsonObject): Promise<void> {
    await this.#send('PATCH', `/${id}/settings`, changes, 'application/merge-patch+json');
  }

  async move(id: string, moved: Readonly<Record<string, Move>>): Promise<void> {
    await this.#send('PATCH', `/${id}/layouts/main`, { moved });
  }

  async delete(id: string): Promise<void> {
    await this.#send('DELETE', `/${id}`);
  }

  /** A live value (W1). */
  async value(id: string, widgetId: string, data: Json, mode: 'replace' | 'append' = 'replace'): Promise<void> {
    await this.#send('PUT', `/${id}/widgets/${widgetId}/data`, {
      data,
      mode,
      window: mode === 'append' ? 600 : undefined,
    });
  }

  async #send(method: string, path: string, body?: unknown, type = 'application/json'): Promise<Response> {
    const answer = await fetch(`${this.#base}/api/dashboards${path}`, {
      method,
      headers: {
        ...(body !== undefined && { 'Content-Type': type }),
        ...(this.#token !== undefined && { Authorization: `Bearer ${this.#token}` }),
      },
      body: body === undefined ? undefined : JSON.stringify(body),
    });
    if (!answer.ok) throw new Error(`${method} ${path}: ${answer.status} ${await answer.text()}`);
    return answer;
  }
}
