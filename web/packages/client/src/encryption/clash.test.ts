import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startProxy, type TestProxy } from '../../../../testing/proxy.ts';
import { startServer, type TestServer } from '../../../../testing/server.ts';
import { caughtUp, connect, openDashboard, until } from '../../test/clients.ts';
import type { AckPayload } from '../message.ts';
import { createEncryption, newKey } from './index.ts';

let server: TestServer;
beforeAll(async () => {
  server = await startServer({ args: ['--auto-window=1h'] });
});
afterAll(() => server.dispose());

const key = newKey();
const encryption = () =>
  createEncryption({ fields: { widgets: { '*': ['/config/query'] } }, keys: { current: 'k1', keys: { k1: key } } });

/**
 * A line that loses the first copy of one op. The second arrives; the third, which is what became of it, is held until the
 * test says so.
 */
class LossyLine {
  /** The op, once it is known. */
  id = '';
  readonly copies: string[] = [];
  readonly WebSocket: typeof WebSocket;
  /** Resolves when the third copy is held. */
  readonly held: Promise<void>;
  /** Sends the third copy. */
  release: () => void = () => {};

  constructor(proxy: TestProxy) {
    const line = this;
    let hold: () => void;
    this.held = new Promise((resolve) => {
      hold = resolve;
    });
    class Lossy extends WebSocket {
      override send(data: string): void {
        const copy = line.id !== '' && data.includes(`"id":"${line.id}"`) ? line.copies.push(data) : 0;
        if (copy === 1) proxy.cut();
        else if (copy === 3) {
          line.release = () => super.send(data);
          hold();
        } else super.send(data);
      }
    }
    this.WebSocket = Lossy as typeof WebSocket;
  }

  /** The first copy arrives after all, as from a connection of long ago; the server's answer. */
  async deliver(): Promise<AckPayload> {
    const body = JSON.stringify({ type: 'SYNC', clientId: 'tab', operations: [JSON.parse(this.copies[0] ?? '')] });
    const response = await fetch(`${server.url}/api/realtime?userId=ana`, { method: 'POST', body });
    const { results } = (await response.json()) as { results: { payload: AckPayload }[] };
    return results[0]?.payload as AckPayload;
  }
}

/**
 * Ana's edit was lost on its way, and Bo has written the same; hers is old when it arrives, so that it clashes by its
 * bytes, and is on its way again as what became of it.
 */
async function settledByValue(id: string) {
  const proxy = await startProxy(server.port);
  const line = new LossyLine(proxy);
  let slept = 0;
  const monotonic = () => performance.now() + slept;
  const indexedDB = new IDBFactory();
  const options = { clientId: 'tab', storage: 'indexeddb' } as const;
  const ana = connect(proxy, {
    ...options,
    encryption: encryption(),
    platform: { indexedDB, monotonic, WebSocket: line.WebSocket },
  });
  const bo = connect(server, { userId: 'bo', encryption: encryption() });
  const [a, b] = [await openDashboard(ana, id), await openDashboard(bo, id)];
  await a.createWidget({ config: { query: 'was' } }, { id: 'cpu' }).done;
  await caughtUp(b, a);
  const mine = a.batch([
    { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/config/query': 'same', '/title': 'CPU' } },
    { type: 'WIDGET_UPDATE', widgetId: 'new', create: true, set: { '/title': 'New' } },
  ]);
  line.id = mine.id;
  proxy.refuse(true);
  await until(mine.current, ({ state }) => state === 'in-doubt');
  await b.updateWidget('cpu', { set: { '/config/query': 'same' } }).done;
  slept = 7_200_000;
  proxy.refuse(false);
  await line.held;
  return {
    ...{ line, ana, a, mine },
    /** A page loaded anew, which has nothing but the disk. */
    reloaded: () => connect(proxy, { ...options, encryption: encryption(), platform: { indexedDB } }),
    /** The edit was done once, and everybody sees it. */
    async done() {
      await until(b.state, ({ version }) => version === 3);
      expect(b.state.getSnapshot().document?.widgets).toEqual({
        cpu: { title: 'CPU', config: { query: 'same' } },
        new: { title: 'New' },
      });
      const { entries } = await b.history();
      expect(entries.map(({ id, author }) => [id, author.userId])).toEqual([
        [mine.id, 'ana'],
        [expect.anything(), 'bo'],
        [expect.anything(), 'ana'],
      ]);
    },
    async [Symbol.asyncDispose]() {
      await Promise.all([ana.destroy(), bo.destroy()]);
      await proxy.dispose();
    },
  };
}

describe('M8 an op that goes out changed after a clash that is none by value', () => {
  test('is applied once', async () => {
    await using p = await settledByValue('once');
    p.line.release();
    expect(await p.mine.done).toMatchObject({ state: 'settled', ack: { version: 3 } });
    await p.done();
    expect(await p.line.deliver()).toMatchObject({ code: 'ID_REUSED' });
  });

  test('is no refusal when a late copy of the first was committed before', async () => {
    await using p = await settledByValue('late');
    expect(await p.line.deliver()).toMatchObject({ version: 3, status: 'merged' });
    p.line.release();
    expect(await p.mine.done).toMatchObject({ state: 'settled', ack: { version: 3 } });
    expect(p.ana.sync.getSnapshot()).toMatchObject({ pending: 0, rejected: 0, conflicts: 0 });
    await p.done();
    expect(p.a.state.getSnapshot().document?.widgets.cpu).toEqual({ title: 'CPU', config: { query: 'same' } });
  });

  test('nor after a reload', async () => {
    await using p = await settledByValue('reload');
    await until(p.mine.current, ({ persisted }) => persisted);
    await p.ana.destroy();
    expect(await p.line.deliver()).toMatchObject({ version: 3, status: 'merged' });
    await using again = p.reloaded();
    const c = again.dashboard('reload');
    const statuses = new Set<string>();
    again.pending.subscribe(() => {
      for (const { id, state } of again.pending.getSnapshot()) if (id === p.mine.id) statuses.add(state);
    });
    await until(c.state, ({ status }) => status === 'ready');
    expect(await again.waitForSync({ timeoutMs: 10_000 })).toBe(true);
    expect(again.sync.getSnapshot()).toMatchObject({ pending: 0, rejected: 0, conflicts: 0 });
    expect([...statuses]).toContain('in-flight');
    await p.done();
    expect(c.widget('cpu').getSnapshot()).toEqual({ title: 'CPU', config: { query: 'same' } });
  });
});
