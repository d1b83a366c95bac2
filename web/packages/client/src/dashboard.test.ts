import { describe, expect, test } from 'vitest';
import { until } from '../test/clients.ts';
import type { ConnectionStatus } from './api.ts';
import { DashboardCore } from './dashboard.ts';
import type { Change, DashboardDocument } from './document.ts';
import type { AckPayload, ClientMessage, Entry, SyncResponse } from './message.ts';
import { Outbox } from './outbox.ts';
import { platform } from './platform.ts';
import { OpStorage } from './storage.ts';
import { Store } from './store.ts';

/** One dashboard of a server that the test plays. */
async function setup() {
  const sent: ClientMessage[] = [];
  const heard: number[] = [];
  let cores: DashboardCore | undefined;
  /** The core's own, which a test lets run out. */
  const timers = new Map<number, () => void>();
  const clock = platform();
  let made = 0;
  const connection = {
    status: new Store({ limits: null } as ConnectionStatus),
    send: (message: ClientMessage) => sent.push(message) > 0,
    start() {},
    follow() {},
    settle() {},
    setOffline() {},
    reconnect() {},
    stop: async () => {},
  };
  const outbox = new Outbox({
    platform: clock,
    connection,
    storage: new OpStorage(null, clock),
    clientId: Promise.resolve('tab'),
    server: 's',
    draftMs: 0,
    ready: () => cores?.ready === true,
    changed: (item) => cores?.changed(item),
    replaced: () => cores?.replaced(),
    lockName: (id) => id,
  });
  await outbox.identify('ana');
  const core = new DashboardCore(
    {
      platform: platform({
        setTimeout(run) {
          timers.set(++made, run);
          return made;
        },
        clearTimeout: (timer) => timers.delete(timer),
      }),
      outbox,
      send(type, payload) {
        const id = `m${sent.length}`;
        sent.push({ type, id, payload });
        return id;
      },
      follow() {},
      synced: () => outbox.pump(),
      entry: ({ version }) => heard.push(version),
    },
    'ops',
  );
  cores = core;
  const requests = () => sent.filter(({ type }) => type === 'SYNC_REQUEST');
  core.request();
  core.response('m0', snapshot(5));
  return {
    core,
    outbox,
    heard,
    requests,
    timers: () => timers.size,
    tick() {
      const due = [...timers.values()];
      timers.clear();
      for (const run of due) run();
    },
    widget: () => core.replica.view?.widgets.w,
    version: () => core.views.state.getSnapshot().version,
    /** Sends an edit and waits until it is on its way. */
    async edit(n: number) {
      const item = core.submit({ type: 'WIDGET_UPDATE', widgetId: 'w', set: { '/n': n } });
      await until(item.current, ({ state }) => state === 'in-flight');
      return item;
    },
  };
}

function board(more: Partial<DashboardDocument> = {}): DashboardDocument {
  const layouts = { main: { columns: 12, compact: 'vertical', items: {} } } as const;
  return { id: 'ops', epoch: 'e', version: 5, settings: {}, widgets: { w: { n: 0 } }, layouts, ...more };
}

function snapshot(version: number, more: Partial<SyncResponse> = {}): SyncResponse {
  const rest = { dashboardId: 'ops', epoch: 'e', horizon: 0, role: 'editor', presence: [], data: {} } as const;
  return { ...rest, mode: 'snapshot', version, document: board(), ...more };
}

const change = (n: number): Change => ({ widgets: { w: { set: { '/n': n } } } });
const entry = (version: number, n: number, more: Partial<Entry> = {}): Entry => ({
  type: 'WIDGET_UPDATE',
  id: `theirs-${version}`,
  timestamp: '2026-11-22T18:00:00.000Z',
  dashboardId: 'ops',
  epoch: 'e',
  version,
  author: { userId: 'bo', clientId: 'other' },
  change: change(n),
  ...more,
});
const mine = { author: { userId: 'ana', clientId: 'tab' } };
const ack = (version: number, more: Partial<AckPayload> = {}): AckPayload => {
  return { dashboardId: 'ops', epoch: 'e', version, inStream: true, status: 'applied', durability: 'disk', ...more };
};

describe('A7 while the server cannot reach its store', () => {
  test('what it tells is marked, and asked for again until it is whole', async () => {
    const { core, requests, version, tick, timers } = await setup();
    const state = () => core.views.state.getSnapshot();
    core.lost();
    core.request();
    core.response(requests()[1]?.id, snapshot(5, { stale: true }));
    expect([state().stale, state().status, core.ready]).toEqual([true, 'ready', true]);
    core.entry(entry(6, 1));
    expect(version()).toBe(6);
    tick();
    expect(requests()[2]).toMatchObject({ payload: { since: { epoch: 'e', version: 6 } } });
    core.response(requests()[2]?.id, snapshot(6, { mode: 'delta', document: undefined, stale: true }));
    expect(state().stale).toBe(true);
    tick();
    core.response(requests()[3]?.id, snapshot(6, { mode: 'delta', document: undefined }));
    expect([state().stale, requests().length, timers()]).toEqual([false, 4, 0]);
  });

  test('nothing is asked for again once it is closed or the session has ended', async () => {
    const { core, requests, timers } = await setup();
    for (const end of [() => core.closed('forbidden'), () => core.lost()]) {
      core.request();
      core.response(requests().at(-1)?.id, snapshot(5, { stale: true }));
      expect(timers()).toBe(1);
      end();
      expect(timers()).toBe(0);
    }
    core.closed('deleted');
    expect(core.views.state.getSnapshot().stale).toBe(false);
  });
});

describe('R2 every version is taken once and in order', () => {
  test('entries, ranges and own answers follow one another; what is known is ignored', async () => {
    const { core, widget, version, requests, edit, heard } = await setup();
    core.entry(entry(6, 1));
    core.entry(entry(6, 99));
    core.entry(entry(5, 99));
    expect(widget()).toEqual({ n: 1 });
    const item = await edit(2);
    core.ack(item, ack(7));
    expect([item.state, version()]).toEqual(['settled', 7]);
    core.update({ kind: 'sync-update', dashboardId: 'ops', epoch: 'e', from: 7, version: 9, change: change(3) });
    core.update({ kind: 'sync-update', dashboardId: 'ops', epoch: 'e', from: 6, version: 9, change: change(99) });
    expect([widget(), version()]).toEqual([{ n: 3 }, 9]);
    expect(heard).toEqual([6]);
    expect(requests()).toHaveLength(1);
  });

  test('a gap is asked for once, with what is known', async () => {
    const { core, widget, version, requests } = await setup();
    core.entry(entry(8, 99));
    core.entry(entry(9, 99));
    expect(requests().slice(1)).toMatchObject([{ payload: { since: { epoch: 'e', version: 5 } } }]);
    expect(widget()).toEqual({ n: 0 });
    const entries = [6, 7, 8, 9].map((n) => entry(n, n));
    core.response(requests()[1]?.id, snapshot(9, { mode: 'delta', document: undefined, entries }));
    expect([widget(), version()]).toEqual([{ n: 9 }, 9]);
    core.entry(entry(10, 10));
    expect(version()).toBe(10);
  });

  test('an answer to an older request changes nothing, and parts are joined by their request', async () => {
    const { core, version, requests } = await setup();
    core.lost();
    core.request();
    const part = (n: number, id: string) => {
      const document = board({ widgets: { [id]: { n } } });
      return snapshot(6, { part: n, parts: 2, document });
    };
    core.response('m0', snapshot(99));
    core.response(requests()[1]?.id, part(1, 'a'));
    expect(version()).toBe(5);
    core.response(requests()[1]?.id, part(2, 'b'));
    expect(Object.keys(core.replica.server?.widgets ?? {})).toEqual(['a', 'b']);
    expect(version()).toBe(6);
  });

  test('R5 a snapshot that nobody asked for is taken', async () => {
    const { core, version, widget } = await setup();
    core.response(undefined, snapshot(50, { document: board({ widgets: { w: { n: 50 } } }) }));
    expect([widget(), version()]).toEqual([{ n: 50 }, 50]);
  });
});

describe('an op settles', () => {
  test('H2 when the stream has reached the version of its answer', async () => {
    const { core, edit, widget } = await setup();
    const item = await edit(1);
    core.ack(item, ack(7, { inStream: false }));
    expect([item.state, widget()]).toEqual(['acked', { n: 1 }]);
    core.entry(entry(6, 9));
    expect([item.state, widget()]).toEqual(['acked', { n: 1 }]);
    core.entry(entry(7, 1, { id: item.id, ...mine }));
    expect([item.state, widget()]).toEqual(['settled', { n: 1 }]);
  });

  test('R3 by its id in a delta, if its answer was lost', async () => {
    const { core, edit, outbox, requests } = await setup();
    const item = await edit(1);
    core.lost();
    outbox.lost();
    expect(item.state).toBe('in-doubt');
    core.request();
    const entries = [entry(6, 1, { id: item.id, ...mine }), entry(7, 2)];
    core.response(requests()[1]?.id, snapshot(7, { mode: 'delta', document: undefined, entries }));
    expect(item.state).toBe('settled');
    expect(core.replica.view?.widgets.w).toEqual({ n: 2 });
  });

  test("not by the same id of another user's op", async () => {
    const { core, edit } = await setup();
    const item = await edit(1);
    core.entry(entry(6, 2, { id: item.id }));
    expect(item.state).toBe('in-flight');
    expect(core.replica.view?.widgets.w).toEqual({ n: 1 });
  });

  test('A1 by its entry, after it was refused for now', async () => {
    const { core, edit, outbox } = await setup();
    const item = await edit(1);
    outbox.refused(item, { code: 'UNAVAILABLE', message: 'later', retryable: true });
    core.entry(entry(6, 1, { id: item.id, ...mine }));
    expect(item.state).toBe('settled');
    await outbox.destroy();
  });

  test('when its answer comes after its entry, and tells the rest', async () => {
    const { core, edit } = await setup();
    const item = await edit(1);
    core.entry(entry(6, 1, { id: item.id, ...mine }));
    core.entry(entry(7, 2));
    expect([item.state, core.replica.view?.widgets.w]).toEqual(['in-flight', { n: 2 }]); // it is not shown twice
    core.ack(item, ack(6, { inStream: false, skipped: ['/n'] }));
    expect(await item.operation.done).toMatchObject({ state: 'settled', ack: { skipped: ['/n'] } });
  });

  test.each([
    { name: 'the log ends before it', more: { rewound: true } },
    { name: 'the epoch is another', more: { epoch: 'f' } },
  ])('R1 not if $name: it is sent again', async ({ more }) => {
    const { core, edit, outbox, requests } = await setup();
    const item = await edit(1);
    core.ack(item, ack(7, { inStream: false }));
    core.lost();
    outbox.lost();
    expect(item.state).toBe('acked');
    core.request();
    core.response(requests()[1]?.id, snapshot(4, more));
    expect([item.state, item.attempts]).toEqual(['in-flight', 2]);
    expect(core.views.state.getSnapshot()).toMatchObject({ version: 4, epoch: more.epoch ?? 'e' });
  });
});
