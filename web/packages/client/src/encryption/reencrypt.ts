import type { Dashboard, DashwireClient } from '../api.ts';
import type { DashboardDocument, Pointer } from '../document.ts';
import { DashwireError } from '../errors.ts';
import type { Json, JsonObject } from '../json.ts';
import type { BatchedOp } from '../operation.ts';
import { isObject, joinPointer } from '../pointer.ts';
import { isLocked, isSealed, type Locked } from '../sealing.ts';
import { Cell } from './cell.ts';
import { isSecure, unsafe } from './keyring.ts';
import { type Fields, type Owner, placeOf } from './place.ts';
import { noKey, type Vault } from './vault.ts';

export interface ReencryptOptions {
  /** The dashboard that this one is a copy of, by duplicating or importing: what was sealed for its places is taken over. */
  readonly from?: string;
}

/** What became of the fields of a dashboard. */
export interface Reencrypted {
  /** Fields that are now sealed with the current key. */
  readonly sealed: number;
  /** Fields that somebody edited meanwhile, or that the server refused: call it again. */
  readonly left: number;
  /** Fields that cannot be opened here. */
  readonly locked: readonly {
    readonly widgetId: string | null;
    readonly path: Pointer;
    readonly why: Locked['$locked'];
  }[];
}

interface Reencryption {
  readonly vault: Vault;
  readonly fields: Fields;
  readonly client: DashwireClient;
  /** A document as the server has it, of one that was opened. */
  readonly raw: (shown: DashboardDocument) => DashboardDocument;
}

/** What one widget, or the settings, needs. */
interface Part {
  readonly op: BatchedOp;
  readonly fields: number;
  readonly bytes: number;
}

/** How many widgets and fields go into one op, and about how many bytes of their values; less if the server takes less (D5). */
const most = { widgets: 50, fields: 200, bytes: 200_000 };
/** What others edit at the same moment is looked at again so many times. */
const rounds = 3;

export async function reencrypt(given: Reencryption, id: string, { from }: ReencryptOptions): Promise<Reencrypted> {
  const { vault, client, raw } = given;
  if (!vault.keys.writes) throw isSecure() ? noKey() : unsafe();
  const dashboard = client.dashboard(id);
  try {
    let sealed = 0;
    for (let round = 1; ; round++) {
      const document = raw(await ready(dashboard));
      await vault.ready(document);
      const { parts, locked } = plan(given, document, from ?? id);
      let left = 0;
      const { operations = most.widgets, paths = most.fields } = client.connection.getSnapshot().limits ?? {};
      const widgets = Math.min(most.widgets, operations);
      for (const chunk of chunks(parts, { ...most, widgets, fields: Math.min(most.fields, paths) })) {
        const operations = chunk.map(({ op }) => op);
        // What somebody edits meanwhile is left as he writes it.
        const options = { policy: 'skip', undo: false, label: 'Encrypt with the current key' } as const;
        const { id: op, done } = dashboard.batch(operations, options);
        const { state, ack, error } = await done;
        if (state !== 'settled') client.discard(op);
        if (error?.code === 'LOCKED' || error?.code === 'FORBIDDEN') throw error;
        const count = chunk.reduce((sum, { fields }) => sum + fields, 0);
        const missed = state === 'settled' ? (ack?.skipped?.length ?? 0) : count;
        sealed += count - missed;
        left += missed;
      }
      if (left === 0 || round === rounds) return { sealed, left, locked };
    }
  } finally {
    dashboard.close();
  }
}

/** The document, once it is here. */
function ready(dashboard: Dashboard): Promise<DashboardDocument> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const { status, document, error } = dashboard.state.getSnapshot();
      if (status === 'loading' || (status === 'ready' && !document)) return;
      stop();
      if (document && status === 'ready') resolve(document);
      else reject(error ?? new DashwireError('NOT_FOUND', 'there is no such dashboard'));
    };
    const stop = dashboard.state.subscribe(look);
    look();
  });
}

/** What has to be sealed, and what cannot be. */
function plan({ vault, fields }: Reencryption, document: DashboardDocument, from: string) {
  const locked: Reencrypted['locked'][number][] = [];
  const parts: Part[] = [];
  const owners: [string | null, JsonObject][] = [[null, document.settings], ...Object.entries(document.widgets)];
  for (const [widgetId, value] of owners) {
    const owner: Owner = { dashboardId: document.id, widgetId };
    const isField = fields.of(widgetId === null ? null : [value.type]);
    const set: Record<Pointer, Json> = {};
    let bytes = 0;
    const visit = (path: Pointer, now: Json) => {
      if (now instanceof Cell) return; // on its way, with the current key
      const place = placeOf(owner, path);
      if (isSealed(now)) {
        const header = vault.headerOf(now);
        if (header?.place === place && header.kid === vault.keys.current) return;
        const old = placeOf({ dashboardId: from, widgetId }, path);
        const plain = vault.openAs(now, header?.place === place ? place : old);
        const shown = vault.open(now, owner, path);
        if (plain === undefined) locked.push({ widgetId, path, why: isLocked(shown) ? shown.$locked : 'damaged' });
        else set[path] = new Cell(place, plain, true) as unknown as JsonObject;
        bytes += now.length;
      } else if (path !== '' && isField(path)) {
        set[path] = new Cell(place, now, true) as unknown as JsonObject;
        bytes += JSON.stringify(now).length * 2;
      } else if (isObject(now)) for (const [key, inner] of Object.entries(now)) visit(joinPointer(path, key), inner);
    };
    visit('', value);
    const count = Object.keys(set).length;
    if (count === 0) continue;
    const op: BatchedOp =
      widgetId === null ? { type: 'DASHBOARD_UPDATE', set } : { type: 'WIDGET_UPDATE', widgetId, set };
    parts.push({ op, fields: count, bytes });
  }
  return { parts, locked };
}

function* chunks(parts: readonly Part[], at: typeof most): Generator<readonly Part[]> {
  let chunk: Part[] = [];
  let [fields, bytes] = [0, 0];
  for (const part of parts) {
    const full = chunk.length === at.widgets || fields + part.fields > at.fields || bytes + part.bytes > at.bytes;
    if (full && chunk.length > 0) {
      yield chunk;
      [chunk, fields, bytes] = [[], 0, 0];
    }
    chunk.push(part);
    fields += part.fields;
    bytes += part.bytes;
  }
  if (chunk.length > 0) yield chunk;
}
