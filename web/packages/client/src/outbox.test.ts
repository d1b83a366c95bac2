import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { describe, expect, test } from 'vitest';
import type { ConnectionStatus } from './api.ts';
import type { AckPayload, ClientMessage, NackPayload } from './message.ts';
import type { Op, WidgetUpdate } from './operation.ts';
import { Outbox } from './outbox.ts';
import { platform as realPlatform } from './platform.ts';
import { OpStorage } from './storage.ts';
import { Store } from './store.ts';

/** An outbox with a line and a clock that the test moves. */
function setup({ indexedDB = null as IDBFactory | null, draftMs = 100, clientId = 'tab' } = {}) {
  let time = 1000;
  let last = 0;
  let up = true;
  const timers = new Map<number, { at: number; run: () => void }>();
  const sent: ClientMessage[] = [];
  const platform = {
    ...realPlatform(),
    locks: null,
    now: () => 1_700_000_000_000 + time,
    monotonic: () => time,
    random: () => 0.5,
    newId: () => `op-${++last}`,
    setTimeout: (run: () => void, ms: number) => {
      timers.set(++last, { at: time + ms, run });
      return last;
    },
    clearTimeout: (timer: number) => void timers.delete(timer),
  };
  const status = new Store({ limits: { messageBytes: 5000, paths: 6 } } as ConnectionStatus);
  const connection = {
    status,
    send: (message: ClientMessage) => up && JSON.stringify(message).length <= 5000 && sent.push(message) > 0,
    start() {},
    follow() {},
    settle() {},
    setOffline() {},
    reconnect() {},
    stop: async () => {},
  };
  const states: string[] = [];
  const storage = new OpStorage(indexedDB, realPlatform());
  const outbox = new Outbox({
    platform,
    connection,
    storage,
    clientId: Promise.resolve(clientId),
    server: 'https://example.com',
    draftMs,
    ready: () => up,
    changed: ({ id, state }) => states.push(`${id} ${state}`),
    replaced: () => states.push('replaced'),
    lockName: (id) => id,
  });
  return {
    outbox,
    sent,
    states,
    timers,
    storage,
    line(on: boolean) {
      up = on;
      if (!on) outbox.lost();
      else outbox.pump();
    },
    /** Moves the clock, running what is due; then lets all that was begun come to rest. */
    async pass(ms: number) {
      const until = time + ms;
      for (;;) {
        const [next] = [...timers].filter(([, { at }]) => at <= until).sort(([, a], [, b]) => a.at - b.at);
        if (!next) break;
        timers.delete(next[0]);
        time = next[1].at;
        next[1].run();
        await rest();
      }
      time = until;
      await rest();
    },
  };
}

/** Promises that are settled have run, and so has the database of the tests. */
async function rest(): Promise<void> {
  for (let i = 0; i < 20; i++) await new Promise((resolve) => setImmediate(resolve));
}

const set = (widgetId: string, path: string, n: number): Op => ({
  type: 'WIDGET_UPDATE',
  widgetId,
  set: { [path]: n },
});
const words = (op: Op) => op.type;
const ack = (version: number): AckPayload => ({
  dashboardId: 'ops',
  epoch: 'e',
  version,
  inStream: true,
  status: 'applied',
  durability: 'disk',
});
const nack = (more: Partial<NackPayload>): NackPayload => ({
  code: 'UNAVAILABLE',
  message: 'later',
  retryable: true,
  ...more,
});

describe('D5 what names too many paths', () => {
  const wide = (paths: number): Op => ({
    type: 'WIDGET_UPDATE',
    widgetId: 'w',
    set: Object.fromEntries(Array.from({ length: paths }, (_, i) => [`/p${i}`, i])),
  });

  test.each<[string, Op]>([
    ['one op', wide(7)],
    ['a batch', { type: 'WIDGET_BATCH', operations: [wide(4) as WidgetUpdate, wide(3) as WidgetUpdate] }],
    [
      'places and unset members',
      {
        type: 'WIDGET_BATCH',
        operations: [
          { type: 'LAYOUT_UPDATE', moved: { a: { x: 0 }, b: { x: 1 }, c: { x: 2 } } },
          { type: 'WIDGET_UPDATE', widgetId: 'w', unset: ['/a', '/b', '/c', '/d'] },
        ],
      },
    ],
  ])('is not sent: %s', async (_, op) => {
    const { outbox, sent, pass } = setup();
    await outbox.identify('ana');
    const item = outbox.add('ops', op, words);
    const fits = outbox.add('ops', { ...wide(6), widgetId: 'v' } as Op, words);
    await pass(200);
    expect(item).toMatchObject({ state: 'rejected', error: { code: 'LIMIT_EXCEEDED' } });
    expect(sent).toMatchObject([{ id: fits.id }]);
  });
});

describe('drafts', () => {
  test('gather the edits of one thing for a while, and are one op', async () => {
    const { outbox, sent, pass } = setup();
    await outbox.identify('ana');
    const first = outbox.add('ops', set('w', '/a', 1), words);
    await pass(60);
    const second = outbox.add('ops', set('w', '/b', 2), words);
    const third = outbox.add('ops', set('w', '/a', 3), words);
    const other = outbox.add('ops', set('v', '/a', 1), words);
    expect([second, third]).toEqual([first, first]);
    expect(other).not.toBe(first);
    await pass(39);
    expect(sent).toEqual([]);
    await pass(1);
    expect(sent).toMatchObject([
      { id: first.id, payload: { dashboardId: 'ops', clientId: 'tab', set: { '/a': 3, '/b': 2 } } },
    ]);
    await pass(60);
    expect(sent).toHaveLength(2);
  });

  test('of a gesture last until it ends, and hold nobody up', async () => {
    const { outbox, sent, pass } = setup();
    await outbox.identify('ana');
    const drag = outbox.add('ops', set('w', '/a', 1), words, { held: true });
    outbox.add('ops', set('w', '/b', 2), words);
    await pass(5000);
    expect(sent).toMatchObject([{ payload: { set: { '/b': 2 } } }]);
    outbox.settle(outbox.items.find((item) => item !== drag) ?? drag, ack(2));
    outbox.update(drag, set('w', '/a', 9));
    await pass(300);
    outbox.release(drag);
    await pass(0);
    expect(sent[1]).toMatchObject({ id: drag.id, age: 300, payload: { set: { '/a': 9 } } });
  });
});

describe('sending', () => {
  test('has one op of a widget unanswered, and merges what waits behind it', async () => {
    const { outbox, sent, pass } = setup();
    await outbox.identify('ana');
    const first = outbox.add('ops', set('w', '/a', 1), words);
    await pass(100);
    const second = outbox.add('ops', set('w', '/a', 2), words);
    await pass(100);
    expect(second.state).toBe('queued');
    expect(outbox.add('ops', set('w', '/b', 3), words)).toBe(second);
    expect(outbox.add('ops', { type: 'WIDGET_DELETE', widgetId: 'w' }, words)).not.toBe(second);
    await pass(1000);
    expect(sent).toHaveLength(1);
    outbox.settle(first, ack(2));
    expect(sent[1]).toMatchObject({ id: second.id, age: 1100, payload: { set: { '/a': 2, '/b': 3 } } });
    outbox.settle(second, ack(3));
    expect(sent[2]).toMatchObject({ type: 'WIDGET_DELETE' });
    expect(outbox.items).toHaveLength(1);
  });

  test('a move waits for the widget that it moves, and moves go one after another', async () => {
    const { outbox, sent, pass } = setup();
    await outbox.identify('ana');
    const made = outbox.add('ops', { type: 'WIDGET_UPDATE', widgetId: 'w', create: true }, words);
    await pass(100);
    outbox.add('ops', { type: 'LAYOUT_UPDATE', moved: { w: { x: 1 } } }, words);
    await pass(100);
    expect(sent).toHaveLength(1);
    outbox.refused(made, nack({ retryAfterMs: 50 })); // it must not go ahead of what it needs
    expect(sent).toHaveLength(1);
    await pass(50);
    outbox.settle(made, ack(2));
    expect(sent.map(({ type }) => type)).toEqual(['WIDGET_UPDATE', 'WIDGET_UPDATE', 'LAYOUT_UPDATE']);
  });

  test('has 64 ops unanswered at most, in order', async () => {
    const { outbox, sent, pass } = setup();
    await outbox.identify('ana');
    const items = Array.from({ length: 100 }, (_, n) => outbox.add('ops', set(`w${n}`, '/a', 1), words));
    await pass(100);
    expect(sent.map(({ id }) => id)).toEqual(items.slice(0, 64).map(({ id }) => id));
    for (const item of items.slice(0, 10)) outbox.settle(item, ack(2));
    expect(sent.map(({ id }) => id)).toEqual(items.slice(0, 74).map(({ id }) => id));
  });

  test('M8 what had no answer goes out again, the same to the letter', async () => {
    const { outbox, sent, pass, line } = setup();
    await outbox.identify('ana');
    const item = outbox.add('ops', set('w', '/a', 1), words);
    await pass(100);
    line(false);
    expect(item.state).toBe('in-doubt');
    expect(outbox.discard(item)).toBe(false); // it may be applied
    expect(outbox.add('ops', set('w', '/a', 2), words)).not.toBe(item);
    await pass(700);
    line(true);
    const [first, again, ...more] = sent;
    expect(again).toEqual({ ...first, age: 800 });
    expect(more).toEqual([]);
    expect(item.attempts).toBe(2);
  });

  test('E3 a refusal for now is tried again, after the time that was named or ever later', async () => {
    const { outbox, sent, pass } = setup();
    await outbox.identify('ana');
    const item = outbox.add('ops', set('w', '/a', 1), words);
    const free = outbox.add('ops', set('v', '/a', 1), words);
    await pass(100);
    outbox.refused(item, nack({ retryAfterMs: 1234 }));
    expect(item.current.getSnapshot()).toMatchObject({ state: 'waiting', error: { code: 'UNAVAILABLE' } });
    outbox.settle(free, ack(2)); // M14: nobody waits for it
    await pass(1233);
    expect(sent).toHaveLength(2);
    await pass(1);
    expect(sent).toHaveLength(3);
    const waits: number[] = [];
    for (let i = 0; i < 8; i++) {
      outbox.refused(item, nack({}));
      const before = sent.length;
      let waited = 0;
      for (; sent.length === before; waited += 250) await pass(250);
      waits.push(waited);
    }
    expect(waits).toEqual([...waits].sort((a, b) => a - b));
    expect(waits.at(-1)).toBe(15_000);
  });

  test('M14 a refusal for good does not keep the next op', async () => {
    const { outbox, sent, pass } = setup();
    await outbox.identify('ana');
    const item = outbox.add('ops', set('w', '/a', 1), words);
    await pass(100);
    outbox.add('ops', set('w', '/a', 2), words);
    await pass(100);
    outbox.refused(item, nack({ code: 'FORBIDDEN', retryable: false }));
    expect(await item.operation.done).toMatchObject({ state: 'rejected', error: { code: 'FORBIDDEN' } });
    expect(sent).toHaveLength(2);
    expect(outbox.items).toHaveLength(2);
  });

  test('D5 what is over the limit is rejected with both sizes', async () => {
    const { outbox, pass } = setup();
    await outbox.identify('ana');
    const big: Op = { type: 'DASHBOARD_UPDATE', set: { '/a': 'x'.repeat(6000) } };
    const item = outbox.add('ops', big, words);
    await pass(100);
    expect(item.error?.message).toMatch(/61\d\d bytes, and the server takes 5000/);
  });
});

describe('on the disk', () => {
  test('an op is there before it is sent, as it is sent', async () => {
    const { outbox, sent, pass, storage } = setup({ indexedDB: new IDBFactory() });
    await outbox.identify('ana');
    const item = outbox.add('ops', set('w', '/a', 1), words);
    outbox.add('ops', set('w', '/b', 1), words);
    outbox.release(item);
    expect(sent).toEqual([]); // it is still being written
    await pass(0);
    expect(sent).toHaveLength(1);
    expect(await storage.load('https://example.com', 'ana')).toMatchObject([
      { id: item.id, clientId: 'tab', op: item.op },
    ]);
    outbox.settle(item, ack(2));
    await pass(0);
    expect(await storage.load('https://example.com', 'ana')).toEqual([]);
    await outbox.destroy();
    await storage.close();
  });

  test('an op that settles while it is being written does not come back', async () => {
    const indexedDB = new IDBFactory();
    const { outbox, pass, storage } = setup({ indexedDB });
    await outbox.identify('ana');
    const item = outbox.add('ops', set('w', '/a', 1), words);
    await pass(100);
    outbox.refused(item, nack({ code: 'PATH', retryable: false })); // is written
    outbox.discard(item);
    await outbox.adopt();
    expect(outbox.items).toEqual([]);
    await pass(0);
    expect(await storage.load('https://example.com', 'ana')).toEqual([]);
    await outbox.destroy();
    await storage.close();
  });

  test('what was made before it is known whose it is waits, and is kept then', async () => {
    const { outbox, sent, pass, storage } = setup({ indexedDB: new IDBFactory() });
    const item = outbox.add('ops', set('w', '/a', 1), words);
    await pass(1000);
    expect(sent).toEqual([]);
    expect(item.persisted).toBe(false);
    await outbox.opened('bo');
    await pass(0);
    expect(sent).toHaveLength(1);
    expect(await storage.load('https://example.com', 'bo')).toHaveLength(1);
    await outbox.destroy();
    await storage.close();
  });

  test('the ops of a user who signs out rest until he is back, and are never sent as those of another', async () => {
    const { outbox, sent, pass, storage, line, states } = setup({ indexedDB: new IDBFactory() });
    await outbox.opened('ana');
    line(false);
    const anas = outbox.add('ops', set('w', '/a', 1), words);
    const draft = outbox.add('ops', set('v', '/a', 1), words);
    const drag = outbox.add('ops', set('u', '/a', 1), words, { held: true });
    await pass(50);
    line(true);
    await outbox.opened('bo');
    expect(states).toContain('replaced');
    await pass(5000);
    expect(outbox.items).toEqual([]);
    expect(sent).toEqual([]);
    expect(drag.state).toBe('discarded');
    const bos = outbox.add('ops', set('w', '/a', 2), words);
    await pass(100);
    expect(sent.map(({ id }) => id)).toEqual([bos.id]);
    outbox.settle(bos, ack(2));
    await outbox.opened('ana');
    await pass(0);
    expect(sent.map(({ id }) => id)).toEqual([bos.id, anas.id, draft.id]);
    await outbox.destroy();
    await storage.close();
  });

  test('after its end no timer is left', async () => {
    const { outbox, pass, timers, storage } = setup({ indexedDB: new IDBFactory() });
    await outbox.opened('ana');
    const item = outbox.add('ops', set('w', '/a', 1), words);
    await pass(100);
    outbox.refused(item, nack({}));
    outbox.add('ops', set('v', '/a', 1), words);
    await outbox.destroy();
    outbox.add('ops', set('v', '/b', 1), words);
    expect(timers.size).toBe(0);
    await storage.close();
  });
});
