import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { expect, test } from 'vitest';
import type { Json } from './json.ts';
import { byteLength, decode, encode } from './wire.ts';

const vectors = JSON.parse(
  readFileSync(new URL('../../../../internal/wire/testdata/server.json', import.meta.url), 'utf8'),
) as readonly { readonly name: string; readonly message: { readonly type: string; readonly payload: Json } }[];

/** What each type of the server becomes. */
const kinds: Readonly<Record<string, readonly string[]>> = {
  CONNECT: ['connect'],
  DISCONNECT: ['disconnect'],
  PING: ['ping'],
  PONG: ['pong'],
  ACK: ['ack'],
  NACK: ['nack'],
  CONFLICT_DETECTED: ['conflict'],
  WIDGET_DATA: ['data'],
  PRESENCE: ['presence'],
  APP_MESSAGE: ['app-message'],
  WIDGET_UPDATE: ['entry'],
  SYNC_ENTRIES: ['entries'],
  SYNC_UPDATE: ['sync-update', 'closed', 'role'],
  SYNC_RESPONSE: ['sync-response'],
};

test.each(vectors)('E1 reads $name', ({ message }) => {
  expect(kinds[message.type]).toContain(decode(JSON.stringify(message)).kind);
});

test('reads each type that the vectors have, and knows of no other', () => {
  expect(new Set(vectors.map((vector) => vector.message.type))).toEqual(new Set(Object.keys(kinds)));
});

test('E7 an entry', () => {
  const { message } = vectors.find((vector) => vector.name === 'an entry') as (typeof vectors)[number];
  expect(decode(JSON.stringify(message))).toMatchObject({
    kind: 'entry',
    entry: { type: 'WIDGET_UPDATE', id: 'op-7', timestamp: '2026-11-22T18:00:00.125Z', version: 42, blind: true },
  });
});

test('R1 a delta has its entries, and a snapshot its document', () => {
  const read = (name: string) =>
    decode(JSON.stringify(vectors.find((vector) => vector.name === `SYNC_RESPONSE ${name}`)?.message));
  expect(read('delta')).toMatchObject({
    response: { entries: [{ id: 'op-7', version: 42, dashboardId: 'ops' }], data: {} },
  });
  expect(read('snapshot')).toMatchObject({
    correlationId: 'c2',
    response: {
      rewound: true,
      stale: true,
      document: { id: 'ops', version: 42, widgets: { net: {} }, settings: { title: 'Ops' } },
    },
  });
  expect(read('none')).toMatchObject({ response: { dashboardId: 'ops', mode: 'none', presence: [], data: {} } });
});

test('R8 a later part has empty members where it has none', () => {
  const payload = {
    dashboardId: 'ops',
    epoch: 'e',
    version: 3,
    horizon: 0,
    role: 'owner',
    mode: 'snapshot',
    part: 2,
    parts: 2,
  };
  const widgets = { a: { x: 1 } };
  const text = JSON.stringify({ type: 'SYNC_RESPONSE', payload: { ...payload, document: { widgets } } });
  expect(decode(text)).toMatchObject({
    response: { document: { id: 'ops', version: 3, widgets, settings: {}, layouts: {} }, presence: [], part: 2 },
  });
});

test('a CONNECT of another protocol is told by its number, whatever else it has', () => {
  expect(decode('{"type":"CONNECT","payload":{"protocol":2,"hello":[]}}')).toEqual({
    kind: 'incompatible',
    protocol: 2,
  });
});

const entry = (change: object) =>
  JSON.stringify({
    type: 'WIDGET_UPDATE',
    id: 'a',
    timestamp: 't',
    payload: { dashboardId: 'ops', epoch: 'e', version: 1, author: { userId: null, clientId: null }, change },
  });

test.each([
  ['no JSON', '{"type":', 'no JSON'],
  ['no object', '[1]', 'without a type'],
  ['no type', '{"payload":{}}', 'without a type'],
  ['a type of the future', '{"type":"WIDGET_SPLIT","payload":{}}', 'WIDGET_SPLIT'],
  ['a type that every object has', '{"type":"constructor","payload":{}}', 'constructor'],
  ['no payload', '{"type":"PRESENCE"}', 'PRESENCE with an unexpected payload'],
  ['an answer to nothing', '{"type":"CONFLICT_DETECTED","payload":{}}', 'correlationId'],
  [
    'half a number',
    entry({ layouts: { main: { items: { a: { x: 0.5, y: 0, w: 1, h: 1, static: false } } } } }),
    'items.a.x',
  ],
  [
    'a rectangle of no width',
    entry({ layouts: { main: { items: { a: { x: 0, y: 0, w: 0, h: 1, static: false } } } } }),
    'a.w',
  ],
  ['a widget that is no object', entry({ widgets: { a: { value: 7 } } }), 'change.widgets.a.value'],
  ['a pointer without a slash', entry({ settings: { set: { title: 1 } } }), 'settings.set.title'],
  ['an unset that is no list', entry({ settings: { unset: { 0: '/a' } } }), 'settings.unset'],
  ['version 0', entry({}).replace('"version":1', '"version":0'), 'payload.version'],
  ['a version beyond 2^53', entry({}).replace('"version":1', '"version":9007199254740993'), 'payload.version'],
])('refuses %s', (_, text, words) => {
  const message = decode(text);
  expect(message).toMatchObject({ kind: 'unknown', problem: expect.stringContaining(words) });
});

test('D4 names that reach into JavaScript do not pass', () => {
  for (const name of ['__proto__', 'constructor', 'prototype']) {
    for (const text of [
      entry({}).replace('"change":{}', `"change":{"widgets":{"${name}":null}}`),
      entry({ settings: { set: { [`/a/${name}/b`]: 1 } } }),
      entry({ settings: { unset: [`/${name}`] } }),
      entry({}).replace('"change":{}', `"change":{"layouts":{"main":{"items":{"${name}":null}}}}`),
    ]) {
      expect(decode(text), text).toMatchObject({ kind: 'unknown', problem: expect.stringContaining('change') });
    }
  }
  expect(decode(entry({ settings: { set: { '/my__proto__': 1 } } })).kind).toBe('entry');
});

test('any text is read or told, and never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => decode(text).kind === 'unknown'));
  fc.assert(fc.property(fc.jsonValue(), (value) => typeof decode(JSON.stringify(value)).kind === 'string'));
});

test('a message with any one value replaced is read or told, and never throws', () => {
  fc.assert(
    fc.property(fc.constantFrom(...vectors), fc.nat(), fc.jsonValue(), ({ message }, seed, value) => {
      const copy = structuredClone(message) as Record<string, unknown>;
      replace(copy, seed, value);
      const read = decode(JSON.stringify(copy));
      if (read.kind === 'unknown') return read.problem.length > 0;
      return true;
    }),
    { numRuns: 2000 },
  );
});

/** Puts the value in the place of one that `seed` picks, and tells none of the rest. */
function replace(target: Record<string, unknown>, seed: number, value: unknown): void {
  const places: [Record<string, unknown>, string][] = [];
  const walk = (at: unknown): void => {
    if (typeof at !== 'object' || at === null) return;
    for (const key of Object.keys(at)) {
      places.push([at as Record<string, unknown>, key]);
      walk((at as Record<string, unknown>)[key]);
    }
  };
  walk(target);
  const [parent, key] = places[seed % places.length] as (typeof places)[number];
  parent[key] = value;
}

test('E5 writes type and id first', () => {
  const text = encode({ payload: { dashboardId: 'ops' }, age: 12, id: 'c1', type: 'SYNC_REQUEST' });
  expect(text).toBe('{"type":"SYNC_REQUEST","id":"c1","age":12,"payload":{"dashboardId":"ops"}}');
  expect(encode({ type: 'PING', id: 'c2', payload: {} })).toBe('{"type":"PING","id":"c2","payload":{}}');
});

test('counts bytes, not characters', () => {
  expect(byteLength('aä€😀')).toBe(1 + 2 + 3 + 4);
});

/** Entries as the server joins them (R10): without what is as in the one before. */
function joined(entries: readonly { readonly type: string; readonly payload: Json }[]): string {
  let before: Record<string, unknown> = {};
  const list = entries.map((envelope) => {
    const { id, ...rest } = envelope as unknown as { id: string; timestamp: string; type: string };
    const { version, author, change, overwrote, blind } = envelope.payload as Record<string, Json>;
    const named = { type: rest.type, timestamp: rest.timestamp, ...(author as object) } as Record<string, unknown>;
    const said = Object.fromEntries(Object.entries(named).filter(([key, value]) => before[key] !== value));
    before = named;
    return { version, ...said, id, change, overwrote, blind };
  });
  const [{ dashboardId, epoch } = {}] = entries.map(({ payload }) => payload as Record<string, Json>);
  return JSON.stringify({ type: 'SYNC_ENTRIES', timestamp: 't', payload: { dashboardId, epoch, entries: list } });
}

test('R10 entries that came together are what they are singly', () => {
  const one = vectors.find((vector) => vector.name === 'an entry')?.message as (typeof vectors)[number]['message'];
  const name = fc.constantFrom(null, 'ana', 'bo');
  const some = fc.record(
    {
      type: fc.constantFrom('WIDGET_UPDATE', 'WIDGET_BATCH'),
      timestamp: fc.constantFrom('t1', 't2'),
      userId: name,
      clientId: name,
      blind: fc.boolean(),
      overwrote: fc.boolean(),
      title: fc.string(),
    },
    { requiredKeys: ['type', 'timestamp', 'userId', 'clientId', 'title'] },
  );
  fc.assert(
    fc.property(fc.array(some, { minLength: 1, maxLength: 20 }), (list) => {
      const singly = list.map(({ type, timestamp, userId, clientId, blind, overwrote, title }, i) => {
        const payload = {
          ...(one.payload as object),
          version: 7 + i,
          author: { userId, clientId },
          change: { settings: { set: { '/title': title } } },
          blind,
        } as unknown as Record<string, Json>;
        if (!overwrote) delete payload.overwrote;
        return { type, id: `op-${i}`, timestamp, payload };
      });
      const message = decode(joined(singly));
      const apart = singly.map((envelope) => decode(JSON.stringify(envelope)));
      expect(message.kind).toBe('entries');
      expect(apart.every(({ kind }) => kind === 'entry')).toBe(true);
      expect(JSON.stringify(message.kind === 'entries' && message.entries.map(sorted))).toBe(
        JSON.stringify(apart.map(sorted)),
      );
    }),
  );
});

/** With the keys of all objects in order. */
function sorted(value: unknown): unknown {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map(sorted);
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, member]) => [key, sorted(member)]),
  );
}

test('R10 the vector has its entries, each by itself', () => {
  const { message } = vectors.find((vector) => vector.name === 'SYNC_ENTRIES') as (typeof vectors)[number];
  expect(decode(JSON.stringify(message))).toMatchObject({
    kind: 'entries',
    entries: [
      { kind: 'entry', entry: { id: 'op-7', version: 42, author: { userId: 'bo', clientId: 'tab-9' }, blind: true } },
      { kind: 'entry', entry: { id: 'op-8', version: 43, type: 'WIDGET_UPDATE', author: { userId: 'bo' } } },
      { kind: 'entry', entry: { id: 'op-9', version: 44, type: 'WIDGET_BATCH', author: { userId: null } } },
    ],
  });
});

test.each([
  ['no list', '{"entries":{}}', 'payload.entries'],
  ['no object', '{"dashboardId":"ops","epoch":"e","entries":[null]}', 'payload.entries.0'],
])('R10 refuses %s', (_, payload, words) => {
  const message = decode(`{"type":"SYNC_ENTRIES","payload":${payload}}`);
  expect(message).toMatchObject({ kind: 'unknown', problem: expect.stringContaining(words) });
});

test('R10 what is no entry among some is told, and taken for nothing else', () => {
  const all = { version: 7, type: 'WIDGET_UPDATE', timestamp: 't', userId: null, clientId: null, id: 'a', change: {} };
  const entries = [
    all,
    { version: 8, id: 'b' },
    { id: 'c', change: {} },
    { version: 9, type: 'PING', id: 'd', change: {} },
    { version: 10, change: {} },
  ];
  const message = decode(
    JSON.stringify({ type: 'SYNC_ENTRIES', payload: { dashboardId: 'ops', epoch: 'e', entries } }),
  );
  expect(message.kind === 'entries' && message.entries.map(({ kind }) => kind)).toEqual([
    'entry',
    ...entries.slice(1).map(() => 'unknown'),
  ]);
  const lone = decode(
    JSON.stringify({ type: 'SYNC_ENTRIES', payload: { dashboardId: 'ops', epoch: 'e', entries: [entries[1]] } }),
  );
  expect(lone.kind === 'entries' && lone.entries.map(({ kind }) => kind)).toEqual(['unknown']);
});
