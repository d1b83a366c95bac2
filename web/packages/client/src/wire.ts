/**
 * The one place where text of the server becomes messages. What passes has the types of `message.ts` in full, and inside
 * nobody checks again; what does not is told in words and never throws.
 */
import type { Json, JsonObject } from './json.ts';
import type { ClientMessage, Entry, ServerMessage, SyncResponse } from './message.ts';
import { isObject } from './pointer.ts';
import type { SessionEnd } from './transport.ts';

/** Where in a value its first fault lies, as a path behind the value's own; undefined = it is as it should be. */
type Check = (value: unknown) => string | undefined;
type Fields = Readonly<Record<string, Check>>;

const is =
  (test: (value: unknown) => boolean): Check =>
  (value) =>
    test(value) ? undefined : '';
const isCount = (value: unknown) => Number.isSafeInteger(value) && (value as number) >= 0;

const any = is((value) => value !== undefined);
const text = is((value) => typeof value === 'string');
const flag = is((value) => typeof value === 'boolean');
const count = is(isCount);
const positive = is((value) => isCount(value) && value !== 0);
const object = is(isObject);
const one = (...values: unknown[]) => is((value) => values.includes(value));
const unless =
  (absent: null | undefined) =>
  (check: Check): Check =>
  (value) =>
    value === absent ? undefined : check(value);
const nullable = unless(null);
const optional = unless(undefined);

const within = (key: string | number, fault: string | undefined) =>
  fault === undefined ? undefined : `.${key}${fault}`;

const list =
  (item: Check): Check =>
  (value) => {
    if (!Array.isArray(value)) return '';
    for (let i = 0; i < value.length; i++) {
      const fault = within(i, item(value[i]));
      if (fault) return fault;
    }
  };

/** An object with any keys but those that JavaScript gives a meaning of their own (D2, D4). */
const record =
  (item: Check, key: RegExp = /^/): Check =>
  (value) => {
    if (!isObject(value)) return '';
    for (const name in value) {
      const fault = within(name, reserved.test(name) || !key.test(name) ? '' : item(value[name]));
      if (fault) return fault;
    }
  };
const reserved = /(^|\/)(__proto__|constructor|prototype)(\/|$)/;

const shape =
  (fields: Fields): Check =>
  (value) => {
    if (!isObject(value)) return '';
    for (const name in fields) {
      const fault = within(name, (fields[name] as Check)(value[name]));
      if (fault) return fault;
    }
  };

const pointer = is((value) => typeof value === 'string' && /^(\/|$)/.test(value) && !reserved.test(value));
const role = one('viewer', 'feeder', 'editor', 'owner');
const author = shape({ userId: nullable(text), clientId: nullable(text) });
const rectangle = shape({ x: count, y: count, w: positive, h: positive, static: flag });
const compact = one('vertical', 'none');
const patch: Fields = { set: optional(record(any, /^\//)), unset: optional(list(pointer)) };
const patched = shape(patch);
const created = shape({ value: object });

const change = shape({
  settings: optional(patched),
  widgets: optional(
    record(nullable((value) => (isObject(value) && 'value' in value ? created(value) : patched(value)))),
  ),
  layouts: optional(
    record(
      nullable(
        shape({
          columns: optional(positive),
          compact: optional(compact),
          items: optional(record(nullable(rectangle))),
        }),
      ),
    ),
  ),
});

const layout = shape({ columns: positive, compact, items: record(rectangle) });
const overwrote = optional(
  list(shape({ widgetId: optional(text), path: pointer, author, version: count, omitted: optional(flag) })),
);
const entryPayload = shape({
  dashboardId: text,
  epoch: text,
  version: positive,
  author,
  change,
  overwrote,
  blind: optional(flag),
});
const opTypes = [
  'WIDGET_UPDATE',
  'WIDGET_DELETE',
  'WIDGET_BATCH',
  'LAYOUT_UPDATE',
  'LAYOUT_RESTORE',
  'DASHBOARD_UPDATE',
  'CONFLICT_RESOLVED',
  'DASHBOARD_DELETE',
];
const entry = shape({ type: one(...opTypes), id: text, timestamp: text, payload: entryPayload });

const conflict = shape({
  conflictId: text,
  dashboardId: text,
  widgetId: optional(text),
  kind: one('field', 'deleted', 'changed'),
  fields: list(shape({ path: pointer, theirsBy: author, theirsVersion: count })),
  version: count,
});
const results = optional(
  list(
    shape({
      status: text,
      code: optional(text),
      message: optional(text),
      path: optional(text),
      conflict: optional(conflict),
    }),
  ),
);
const data = record(shape({ data: any, mode: one('replace', 'append'), window: optional(positive) }));
const presence = list(shape({ sessionId: text, clientId: text, userId: text, state: any }));

/** The protocol that this client speaks. */
export const protocol = 1;
/** Why a session with a server of another protocol ends. */
export const incompatible = (theirs: number): SessionEnd => ({
  code: 'incompatible',
  reason: `the server speaks protocol ${theirs}, and this page ${protocol}`,
});
/** Of another protocol only its number can be relied on. */
const isOther = (value: unknown) => isCount(value) && value !== protocol;

const welcome = shape({
  sessionId: text,
  clientId: nullable(text),
  userId: nullable(text),
  protocol: one(protocol),
  serverTime: text,
  heartbeat: shape({ intervalMs: positive, timeoutMs: positive }),
  reconnect: shape({ minMs: count, maxMs: count }),
  limits: shape({
    messageBytes: positive,
    documentBytes: positive,
    widgets: count,
    operations: positive,
    dashboards: count,
    paths: optional(positive),
  }),
  authRequired: flag,
});

/** Of several parts (R8) each has some of the members; the first, or only one, has them all. */
const syncResponse = shape({
  dashboardId: text,
  epoch: text,
  version: count,
  horizon: count,
  role,
  mode: one('snapshot', 'delta'),
  document: optional(
    shape({ settings: optional(object), widgets: optional(record(object)), layouts: optional(record(layout)) }),
  ),
  entries: optional(list(entry)),
  part: optional(positive),
  parts: optional(positive),
  rewound: optional(flag),
  stale: optional(flag),
  presence: optional(presence),
  count: optional(count),
  data: optional(data),
});

const ack = shape({
  dashboardId: text,
  epoch: text,
  version: count,
  inStream: flag,
  status: one('applied', 'merged', 'unchanged'),
  durability: one('disk', 'quorum', 'memory'),
  change: optional(change),
  overwrote,
  skipped: optional(list(text)),
  ignored: optional(list(text)),
  results,
});

const nack = shape({
  code: text,
  message: text,
  retryable: flag,
  retryAfterMs: optional(count),
  path: optional(text),
  results,
});

const connect: Check = (value) => (isObject(value) && isOther(value.protocol) ? undefined : welcome(value));
const disconnect = shape({
  code: count,
  reason: text,
  reconnect: nullable(
    shape({ afterMs: (value) => (Array.isArray(value) && value.length === 2 ? list(count)(value) : '') }),
  ),
});
const unsubscribed = shape({ dashboardId: text });
const syncUpdate: Check = (value) => {
  if (!isObject(value)) return '';
  const more = 'closed' in value ? { closed } : 'role' in value ? { role } : range;
  return shape({ dashboardId: text, ...more })(value);
};
/** Each of them is held to be an entry once it stands alone. */
const together = shape({ entries: list(object) });
const closed = one('deleted', 'forbidden');
const range: Fields = { epoch: text, from: count, version: positive, change };

/**
 * By type: what it becomes, what its payload must be, and the member that takes it; without one, its own members stand
 * there. Last, what the payload is made into before.
 */
const kinds: Readonly<Record<string, readonly [ServerMessage['kind'], Check, string?, ((payload: never) => object)?]>> =
  {
    CONNECT: ['connect', connect, 'welcome'],
    DISCONNECT: ['disconnect', disconnect],
    PING: ['ping', optional(object)],
    PONG: ['pong', optional(object)],
    SYNC_RESPONSE: [
      'sync-response',
      (value) => (isObject(value) && value.mode === 'none' ? unsubscribed : syncResponse)(value),
      'response',
      response,
    ],
    SYNC_UPDATE: ['sync-update', syncUpdate],
    SYNC_ENTRIES: ['entries', together, 'entries', apart],
    ACK: ['ack', ack, 'ack'],
    NACK: ['nack', nack, 'nack'],
    CONFLICT_DETECTED: ['conflict', conflict, 'conflict'],
    PRESENCE: ['presence', shape({ dashboardId: text, joined: presence, changed: presence, left: list(text), count })],
    WIDGET_DATA: ['data', shape({ dashboardId: text, values: data })],
    APP_MESSAGE: ['app-message', shape({ name: text, data: any })],
  };

interface Envelope {
  readonly type: string;
  readonly id?: string;
  readonly correlationId?: string;
  readonly timestamp: string;
  readonly payload?: object;
}

const entryOf = ({ type, id, timestamp, payload }: Envelope) => ({ ...payload, type, id, timestamp }) as Entry;

/** Entries that came together, each as if it had come alone: what it does not name is that of the one before (R10). */
function apart({ entries, ...of }: JsonObject): ServerMessage[] {
  let said: JsonObject = {};
  return (entries as JsonObject[]).map(({ id, ...own }) => {
    said = { ...said, ...own };
    const { type, timestamp, userId, clientId } = said;
    const { version, change, overwrote, blind } = own;
    const payload = { ...of, version, author: { userId, clientId }, change, overwrote, blind };
    return committed({ type, id, timestamp, payload } as Envelope);
  });
}

function committed(value: Envelope): ServerMessage {
  const fault = entry(value);
  return fault === undefined ? { kind: 'entry', entry: entryOf(value) } : broken(value.type, fault);
}

/** What a message becomes that has been checked. */
function made(
  kind: ServerMessage['kind'],
  { id, correlationId, payload }: Envelope,
  member?: string,
  make?: (payload: never) => object,
): ServerMessage {
  const { protocol, reconnect, closed, role } = (payload ?? {}) as Partial<Special>;
  if (kind === 'connect' && isOther(protocol)) return { kind: 'incompatible', protocol: protocol as number };
  const value = make ? make(payload as never) : payload;
  return {
    ...(member ? { [member]: value } : value),
    ...(kind === 'disconnect' && { afterMs: reconnect?.afterMs ?? null }),
    id,
    correlationId,
    kind: kind !== 'sync-update' ? kind : closed ? 'closed' : role ? 'role' : kind,
  } as unknown as ServerMessage;
}

/** Members that say more than the type of the message. */
interface Special {
  readonly protocol: number;
  readonly reconnect: { readonly afterMs: readonly [number, number] } | null;
  readonly closed: string;
  readonly role: string;
}

/** The members that a part of a document may not have. */
const empty = { settings: {}, widgets: {}, layouts: {} };

/** Fills in what a part, or the end of a subscription, leaves out. */
function response(payload: Partial<SyncResponse>): SyncResponse {
  const known = {
    epoch: '',
    version: 0,
    mode: 'none',
    horizon: 0,
    role: 'viewer',
    presence: [],
    data: {},
    ...payload,
  } as const;
  const { dashboardId: id, epoch, version, document, entries } = known as SyncResponse;
  return {
    ...known,
    document: document && { ...empty, ...document, id, epoch, version },
    entries: entries && (entries as unknown as Envelope[]).map(entryOf),
  } as SyncResponse;
}

/** Reads one message of the server. Never throws. */
export function decode(text: string): ServerMessage {
  try {
    return decodeJson(JSON.parse(text));
  } catch {
    return unknown(`what is no JSON: ${text.slice(0, 80)}`);
  }
}

/** The same for JSON that has been parsed, such as the results of a POST (H1). */
export function decodeJson(value: Json): ServerMessage {
  if (!isObject(value) || typeof value.type !== 'string') return unknown('a message without a type');
  const { type } = value;
  if (opTypes.includes(type)) return committed(value as unknown as Envelope);
  if (!Object.hasOwn(kinds, type)) return unknown(`the unknown type ${type.slice(0, 80)}`);
  const [kind, check, ...how] = kinds[type] as (typeof kinds)[string];
  const correlationId = kind === 'ack' || kind === 'conflict' ? text : optional(text);
  const fault = shape({ id: optional(text), correlationId, payload: check })(value);
  return fault === undefined ? made(kind, value as unknown as Envelope, ...how) : broken(type, fault);
}

const unknown = (problem: string): ServerMessage => ({ kind: 'unknown', problem: `the server sent ${problem}` });
const broken = (type: string, fault: string) => unknown(`${type} with an unexpected ${fault.slice(1, 120) || 'shape'}`);

/** Writes one message, `type` and `id` first (E5). */
export function encode({ type, id, age, payload }: ClientMessage): string {
  return JSON.stringify({ type, id, age, payload });
}

/** Whether a text takes more bytes on the wire than a limit allows. A character takes three at most. */
export const exceeds = (text: string, bytes: number): boolean => text.length * 3 > bytes && byteLength(text) > bytes;

/** How many bytes a text takes on the wire. */
export const byteLength = (text: string): number => new TextEncoder().encode(text).length;
