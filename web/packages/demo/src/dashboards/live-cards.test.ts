// @vitest-environment node
import { createClient, type Dashboards, type DashwireClient, DashwireError, type Readable } from '@dashwire/client';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import { startServer, type TestServer } from '../../../../testing/server.ts';
import { DashboardList } from './list.ts';
import { LiveCards } from './live-cards.ts';
import { miniatureOf } from './shapes.ts';

let server: TestServer;
const clients: DashwireClient[] = [];

const connect = (userId: string) => {
  const client = createClient({ url: server.url, userId, storage: 'memory' });
  clients.push(client);
  return client;
};

beforeAll(async () => {
  server = await startServer();
}, 120_000);

afterAll(async () => {
  await Promise.all(clients.map((client) => client.destroy()));
  await server.dispose();
});

function until<T>(readable: Readable<T>, wanted: (value: T) => boolean): Promise<T> {
  return new Promise((resolve) => {
    const look = () => {
      const value = readable.getSnapshot();
      if (!wanted(value)) return;
      stop();
      resolve(value);
    };
    const stop = readable.subscribe(look);
    look();
  });
}

describe('LiveCards', () => {
  it('W3 tells who is there, and draws what they add', async () => {
    const [ana, bo] = [connect('ana'), connect('bo')];
    await ana.dashboards.create({ id: 'ops', title: 'Ops' });
    const cards = new LiveCards(ana);
    const life = cards.life('ops');
    cards.enter('ops');
    const dashboard = bo.dashboard('ops');
    dashboard.setPresence({ name: 'Bo', color: '#a8480f' });
    dashboard.createWidget({ type: 'gauge', title: 'Disk' });
    const seen = await until(life, ({ people, widgets }) => people.length === 1 && widgets === 1);
    expect(seen).toMatchObject({ title: 'Ops', gone: false, people: [{ name: 'Bo', color: '#a8480f' }] });
    expect(seen.miniature?.tiles).toEqual([{ x: 0, y: 0, w: 6, h: 4, shape: 'arc' }]);

    cards.leave('ops');
    expect(life.getSnapshot()).toMatchObject({ people: [], miniature: seen.miniature });
    cards.close();
    dashboard.close();
  });

  it('R9 tells that a dashboard was deleted meanwhile', async () => {
    const ana = connect('cy');
    await ana.dashboards.create({ id: 'short-lived' });
    const cards = new LiveCards(ana);
    cards.enter('short-lived');
    await until(cards.life('short-lived'), ({ version }) => version === 1);
    await ana.dashboards.delete('short-lived');
    await until(cards.life('short-lived'), ({ gone }) => gone);
    cards.close();
  });

  it('follows 16 at once; the others wait until one has left the view', () => {
    const open = new Set<string>();
    const never = { getSnapshot: () => [], subscribe: () => () => {} };
    const state = { getSnapshot: () => ({ status: 'loading', document: null, version: 0 }), subscribe: () => () => {} };
    const cards = new LiveCards({
      dashboard: (id: string) => {
        open.add(id);
        return { state, presence: never, close: () => open.delete(id) };
      },
    } as never);
    for (let i = 0; i < 20; i++) cards.enter(`d${i}`);
    expect([open.size, open.has('d16')]).toEqual([16, false]);
    cards.leave('d19'); // it never was followed
    cards.leave('d0');
    expect([open.size, open.has('d16'), open.has('d0')]).toEqual([16, true, false]);
    cards.close();
    expect(open.size).toBe(0);
  });
});

describe('DashboardList', () => {
  it('H3 reads page by page, searches, and lists what was deleted', async () => {
    const { dashboards } = connect('dot');
    for (let i = 0; i < 33; i++)
      await dashboards.create({ id: `many-${String(i).padStart(2, '0')}`, title: `Many ${i}` });
    const list = new DashboardList(dashboards);
    const ids = () => list.state.getSnapshot().dashboards.map(({ id }) => id);
    await list.ask({ query: 'many', deleted: false });
    expect([ids().length, list.state.getSnapshot().hasMore]).toEqual([30, true]);
    await list.more();
    expect([ids().length, new Set(ids()).size, list.state.getSnapshot().hasMore]).toEqual([33, 33, false]);
    await dashboards.delete('many-07');
    await list.ask({ query: 'MANY-07', deleted: true });
    expect(ids()).toEqual(['many-07']);
    await dashboards.undelete('many-07');
    await list.reload();
    expect(ids()).toEqual([]);
  });

  it('shows the answer to the last question only', async () => {
    const { dashboards } = connect('eve');
    const list = new DashboardList(dashboards);
    const first = list.ask({ query: 'nothing-like-it', deleted: false });
    const second = list.ask({ query: 'many-03', deleted: false });
    await Promise.all([first, second]);
    expect(list.state.getSnapshot()).toMatchObject({ loading: null, error: null, dashboards: [{ id: 'many-03' }] });
  });
});

describe('DashboardList without a connection', () => {
  /** Whether the server has the page. */
  let up: boolean;
  beforeEach(() => {
    up = false;
    vi.useFakeTimers();
    vi.stubGlobal('fetch', async () => {
      if (!up) throw new TypeError('Failed to fetch');
      return new Response();
    });
    vi.stubGlobal('window', { location: { href: 'http://dashwire.example/' } });
  });
  afterEach(() => {
    vi.useRealTimers();
    vi.unstubAllGlobals();
  });
  const away = new DashwireError('NETWORK', 'the server did not answer', { retryable: true });
  const words = 'The list needs the connection. It comes by itself once that is back.';
  const page = (id: string, cursor: string | null) => {
    return { dashboards: [{ id, epoch: 'e', version: 1, widgets: 0, updated: '', role: 'owner' as const }], cursor };
  };
  const listOf = (list: Dashboards['list']) => new DashboardList({ list } as Dashboards);

  it('says so, and comes by itself, page by page, once that is back', async () => {
    const ask = vi.fn<Dashboards['list']>().mockRejectedValue(away);
    const list = listOf(ask);
    await list.ask({ query: '', deleted: false });
    expect(list.state.getSnapshot()).toMatchObject({ dashboards: [], loading: null, error: words });
    await vi.advanceTimersByTimeAsync(20_000);
    expect(list.state.getSnapshot().error).toBe(words);
    ask.mockResolvedValue(page('one', 'next'));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(list.state.getSnapshot()).toMatchObject({ dashboards: [{ id: 'one' }], hasMore: true, error: null });
    ask.mockRejectedValue(away);
    await list.more();
    expect(list.state.getSnapshot()).toMatchObject({ dashboards: [{ id: 'one' }], loading: null, error: words });
    ask.mockResolvedValue(page('two', null));
    await vi.advanceTimersByTimeAsync(10_000);
    const { dashboards, error } = list.state.getSnapshot();
    expect([dashboards.map(({ id }) => id), error]).toEqual([['one', 'two'], null]);
    expect(ask).toHaveBeenLastCalledWith(expect.objectContaining({ cursor: 'next' }));
  });

  it('says what else went wrong, and comes by itself', async () => {
    up = true;
    const ask = vi.fn<Dashboards['list']>();
    const list = listOf(ask);
    const error = () => list.state.getSnapshot().error;
    ask.mockRejectedValue(new DashwireError('NETWORK', 'the server did not answer; try again', { retryable: true }));
    await list.ask({ query: '', deleted: false });
    expect(error()).toBe('The server did not answer; try again. It comes by itself as soon as it can.');
    ask.mockRejectedValue(new DashwireError('UNAVAILABLE', 'HTTP 502: try again', { retryable: true }));
    await vi.advanceTimersByTimeAsync(5000);
    expect(error()).toBe('HTTP 502: try again. It comes by itself as soon as it can.');
    ask.mockResolvedValue(page('one', 'next'));
    await vi.advanceTimersByTimeAsync(5000);
    expect(list.state.getSnapshot()).toMatchObject({ dashboards: [{ id: 'one' }], error: null });
  });

  it('reads once connected again what is not tried by itself: the rest of a list, too', async () => {
    const ask = vi.fn<Dashboards['list']>().mockRejectedValue(new DashwireError('INTERNAL', 'look at the address'));
    const list = listOf(ask);
    await list.ask({ query: '', deleted: false });
    await vi.advanceTimersByTimeAsync(60_000);
    expect([list.state.getSnapshot().error, ask.mock.calls.length]).toEqual(['Look at the address.', 1]);
    ask.mockResolvedValue(page('one', 'next'));
    list.back();
    await vi.advanceTimersByTimeAsync(0);
    ask.mockRejectedValueOnce(new DashwireError('INTERNAL', 'look at the address'));
    await list.more();
    ask.mockResolvedValue(page('two', null));
    list.back();
    await vi.advanceTimersByTimeAsync(0);
    const { dashboards, error } = list.state.getSnapshot();
    expect([dashboards.map(({ id }) => id), error]).toEqual([['one', 'two'], null]);
    list.back();
    expect(ask).toHaveBeenCalledTimes(4);
  });

  it('asks no more once nobody looks, or the server has refused', async () => {
    const ask = vi.fn<Dashboards['list']>().mockRejectedValue(away);
    const list = listOf(ask);
    await list.ask({ query: '', deleted: false });
    list.stop();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ask).toHaveBeenCalledTimes(1);
    ask.mockRejectedValue(new DashwireError('FORBIDDEN', 'not for you'));
    await list.reload();
    await vi.advanceTimersByTimeAsync(60_000);
    expect(ask).toHaveBeenCalledTimes(2);
    expect(list.state.getSnapshot().error).toBe('Not for you.');
  });
});

describe('miniatureOf', () => {
  const place = (x: number, y: number) => ({ x, y, w: 6, h: 30, static: false });
  it('is small however large the dashboard is, and takes any widget', () => {
    const items = Object.fromEntries(
      Array.from({ length: 500 }, (_, i) => [`w${i}`, place((i % 4) * 6, Math.floor(i / 4))]),
    );
    const widgets = { w0: { type: 'stat' }, w1: { type: 7 }, w2: {}, w3: { type: 'singlestat' } };
    const { tiles, rows } = miniatureOf({ widgets, layouts: { main: { columns: 24, compact: 'none', items } } });
    expect([tiles.length, rows]).toEqual([60, 26]);
    expect(tiles.slice(0, 4).map(({ shape }) => shape)).toEqual(['number', 'other', 'other', 'other']);
    expect(miniatureOf({ widgets: {}, layouts: {} }).tiles).toEqual([]);
  });
});
