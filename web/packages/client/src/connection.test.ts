import { afterEach, describe, expect, test } from 'vitest';
import { startProxy, type TestProxy } from '../../../testing/proxy.ts';
import { type ServerOptions, startServer, type TestServer, token } from '../../../testing/server.ts';
import type { ConnectionState, ConnectionStatus, Platform } from './api.ts';
import { type ConnectionOptions, createConnection } from './connection.ts';
import { endpoints } from './endpoint.ts';
import type { ServerMessage } from './message.ts';
import { platform } from './platform.ts';
import type { Since } from './transport.ts';

/** Ids of ops are unique among all clients of a user (M8). */
let ids = 0;

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const run of cleanup.splice(0).reverse()) await run();
});

async function server(options?: ServerOptions): Promise<TestServer> {
  const started = await startServer(options);
  cleanup.push(() => started.dispose());
  return started;
}

async function proxied(options?: ServerOptions): Promise<{ server: TestServer; proxy: TestProxy }> {
  const started = await server(options);
  const proxy = await startProxy(started.port);
  cleanup.push(() => proxy.dispose());
  return { server: started, proxy };
}

/** A clock that runs `speed` times as fast, and knows what timers are set. */
function fastClock(speed: number) {
  const timers = new Set<number>();
  const waits: number[] = [];
  const began = performance.now();
  const clock = {
    monotonic: () => (performance.now() - began) * speed,
    setTimeout: (run: () => void, ms: number) => {
      waits.push(ms);
      const timer = Number(
        setTimeout(() => {
          timers.delete(timer);
          run();
        }, ms / speed),
      );
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer: number) => {
      timers.delete(timer);
      clearTimeout(timer);
    },
  } satisfies Partial<Platform>;
  return { clock, timers, waits };
}

/** What a page has of a window and a document, for the events that the connection hears. */
class Page extends EventTarget {
  visibilityState = 'visible';
  listeners = 0;
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners++;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners--;
    super.removeEventListener(...args);
  }
}

interface Options extends Partial<Omit<ConnectionOptions, 'platform' | 'endpoints'>> {
  readonly platform?: Partial<Platform>;
  /** What the core does when a session has opened; default: says that all is there. */
  readonly onOpen?: (client: Client) => void;
}

/** A connection with a core that writes down what it is told. */
class Client {
  readonly states: ConnectionState[] = [];
  readonly told: string[] = [];
  readonly messages: ServerMessage[] = [];
  readonly #connection;

  constructor(url: string, { platform: given, onOpen, ...options }: Options = {}) {
    this.#connection = createConnection({
      endpoints: endpoints(url),
      platform: platform({ random: () => 0, ...given }),
      clientId: 'tab-1',
      userId: 'ana',
      ...options,
    });
    this.#connection.status.subscribe(() => {
      const { state } = this.status;
      if (state !== this.states.at(-1)) this.states.push(state);
    });
    cleanup.push(() => this.#connection.stop());
    this.#connection.start({
      opened: () => {
        this.told.push('opened');
        if (onOpen) onOpen(this);
        else this.#connection.settle('live');
      },
      received: (message) => {
        this.messages.push(message);
      },
      lost: () => this.told.push('lost'),
    });
  }

  get connection() {
    return this.#connection;
  }

  get status(): ConnectionStatus {
    return this.#connection.status.getSnapshot();
  }

  /** Resolves when the status is so; fails with what it was instead. */
  async until(what: ConnectionState | ((status: ConnectionStatus) => boolean)): Promise<ConnectionStatus> {
    const met = typeof what === 'string' ? (status: ConnectionStatus) => status.state === what : what;
    if (!met(this.status)) {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`waited for ${what} in vain: ${JSON.stringify(this.status)}, after ${this.states}`)),
          15_000,
        );
        const stop = this.#connection.status.subscribe(() => {
          if (!met(this.status)) return;
          clearTimeout(late);
          stop();
          resolve();
        });
      });
    }
    return this.status;
  }

  /** Sends and gives the id. */
  send(type: string, payload: object, id = `m${++ids}`): string {
    expect(this.#connection.send({ type, id, payload })).toBe(true);
    return id;
  }

  /** The answer to a message. */
  async answer(id: string): Promise<ServerMessage> {
    return await this.message((message) => 'correlationId' in message && message.correlationId === id);
  }

  async message(test: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    return await expect
      .poll(() => this.messages.find(test), { timeout: 15_000, interval: 10 })
      .toBeDefined()
      .then(() => this.messages.find(test) as ServerMessage);
  }

  async subscribe(dashboardId: string, since?: Since): Promise<ServerMessage> {
    this.#connection.follow(new Map([[dashboardId, since ?? null]]));
    return await this.answer(this.send('SYNC_REQUEST', { dashboardId, since }));
  }

  /** Creates a widget and gives the answer. */
  async create(dashboardId: string, widgetId: string): Promise<ServerMessage> {
    return await this.answer(
      this.send('WIDGET_UPDATE', { dashboardId, widgetId, create: true, set: { '/title': widgetId } }),
    );
  }
}

describe('by WebSocket', () => {
  test('C6 opens, names itself, and knows who it is', async () => {
    const { url } = await server();
    const client = new Client(url);
    const status = await client.until('live');
    expect(client.states).toEqual(['connecting', 'authenticating', 'catching-up', 'live']);
    expect(status).toMatchObject({ transport: 'websocket', clientId: 'tab-1', userId: 'ana', attempt: 0, error: null });
    expect(status.limits?.messageBytes).toBe(1 << 20);
    expect(status.latency).toBeGreaterThanOrEqual(0);
    expect(Math.abs(status.clockOffset)).toBeLessThan(5000);
    expect(client.told).toEqual(['opened']);
  });

  test('E3 answers come with the id of what they answer', async () => {
    const { url } = await server();
    const client = new Client(url);
    await client.until('live');
    expect(await client.subscribe('ops')).toMatchObject({
      kind: 'sync-response',
      response: { mode: 'snapshot', version: 0 },
    });
    expect(await client.create('ops', 'cpu')).toMatchObject({ kind: 'ack', ack: { version: 1, inStream: true } });
    const id = client.send('WIDGET_UPDATE', { dashboardId: 'ops', widgetId: 'a/b', set: {} });
    expect(await client.answer(id)).toMatchObject({ kind: 'nack', nack: { code: 'INVALID_ID' } });
  });

  test('D5 a message over the limit is not sent, and sending without a session says so', async () => {
    const { url } = await server({ args: ['--max-message=64KiB'] });
    const client = new Client(url);
    const message = (text: string) => ({ type: 'PRESENCE', id: 'p', payload: { dashboardId: 'ops', state: text } });
    expect(client.connection.send(message(''))).toBe(false);
    await client.until('live');
    expect(client.connection.send(message('x'.repeat(60 << 10)))).toBe(true);
    expect(client.connection.send(message('ä'.repeat(40 << 10)))).toBe(false);
  });

  test('comes back after the server was killed, and after a cut line', async () => {
    const { server, proxy } = await proxied();
    const client = new Client(proxy.url);
    await client.until('live');
    const { sessionId } = client.status;
    await server.kill();
    await client.until('reconnecting');
    expect(client.status).toMatchObject({
      transport: null,
      sessionId: null,
      error: { code: 'NETWORK', retryable: true },
    });
    await server.restart();
    await client.until('live');
    expect(client.status).toMatchObject({ transport: 'websocket', error: null, attempt: 0 });
    expect(client.status.sessionId).not.toBe(sessionId);
    proxy.cut();
    await client.until('reconnecting');
    await client.until('live');
    expect(client.told).toEqual(['opened', 'lost', 'opened', 'lost', 'opened']);
  });

  test('C7 comes back within the window of a server that restarts', async () => {
    const started = await server();
    const { clock, waits } = fastClock(10);
    const client = new Client(started.url, { platform: { ...clock, random: () => 1 } });
    await client.until('live');
    const stopping = started.stop();
    await client.until('reconnecting');
    expect(waits.at(-1)).toBe(5000);
    expect(client.status.error?.message).toContain('shutting down');
    await stopping;
    await started.restart();
    await client.until('live');
  });

  test('C6 gives up when the same client is opened elsewhere, until a person says so', async () => {
    const { url } = await server();
    const first = new Client(url);
    await first.until('live');
    const second = new Client(url);
    await second.until('live');
    const status = await first.until('closed');
    expect(status).toMatchObject({ retryAt: null, sessionId: null, error: { code: 'CLOSED' } });
    expect(first.told).toEqual(['opened', 'lost']);
    first.connection.reconnect();
    await first.until('live');
    await second.until('closed');
  });

  test('W3 leaving on purpose is told to the others at once', async () => {
    const { url } = await server();
    const other = new Client(url, { clientId: 'tab-2' });
    await other.until('live');
    await other.subscribe('ops');
    const client = new Client(url);
    const { sessionId } = await client.until('live');
    await client.subscribe('ops');
    client.send('PRESENCE', { dashboardId: 'ops', state: null });
    await other.message((message) => message.kind === 'presence' && message.joined[0]?.sessionId === sessionId);
    const began = performance.now();
    await client.connection.stop();
    await other.message((message) => message.kind === 'presence' && message.left.includes(sessionId as string));
    expect(performance.now() - began).toBeLessThan(4000); // a line that was lost is given 5 s
  });

  test('sent away for good by an operator', async () => {
    const { url } = await server();
    const client = new Client(url);
    const { sessionId } = await client.until('live');
    const sent = await fetch(`${url}/api/admin/sessions/${sessionId}?code=4403&reason=not%20today`, {
      method: 'DELETE',
    });
    expect(sent.ok).toBe(true);
    const status = await client.until('closed');
    expect(status).toMatchObject({ retryAt: null, error: { code: 'FORBIDDEN' } });
    expect(status.error?.message).toContain('by an operator');
  });

  test('a server of another protocol asks for a reload', async () => {
    const { url } = await server();
    const newer = <T>(text: T) => String(text).replace('"protocol":1', '"protocol":2');
    class Newer extends WebSocket {
      override set onmessage(listener: ((event: MessageEvent) => void) | null) {
        super.onmessage = listener && ((event) => listener(new MessageEvent('message', { data: newer(event.data) })));
      }
    }
    const client = new Client(url, { platform: { WebSocket: Newer } });
    const status = await client.until('incompatible');
    expect(status).toMatchObject({ retryAt: null, transport: null });
    expect(status.error?.message).toContain('reload the page');
    const discovered = new Client(url, {
      platform: {
        WebSocket: class extends WebSocket {
          constructor() {
            super(url.replace('http', 'ws'), 'dashwire.v2');
          }
        },
        fetch: async (input, init) => new Response(newer(await (await fetch(input, init)).text())),
      },
    });
    await discovered.until('incompatible');
  });

  test('what cannot be read is handed on in words, and the session lives', async () => {
    const { url } = await server();
    class Garbled extends WebSocket {
      override set onmessage(listener: ((event: MessageEvent) => void) | null) {
        super.onmessage =
          listener &&
          ((event) =>
            listener(new MessageEvent('message', { data: String(event.data).replace('"snapshot"', '"hologram"') })));
      }
    }
    const client = new Client(url, { platform: { WebSocket: Garbled } });
    await client.until('live');
    client.send('SYNC_REQUEST', { dashboardId: 'ops' });
    expect(await client.message((message) => message.kind === 'unknown')).toMatchObject({
      problem: expect.stringContaining('payload.mode'),
    });
    expect(await client.create('ops', 'cpu')).toMatchObject({ kind: 'ack' });
  });

  test('C4 drops a line on which nothing comes any more', async () => {
    const { proxy } = await proxied({ args: ['--heartbeat=500ms', '--heartbeat-timeout=500ms'] });
    const client = new Client(proxy.url);
    await client.until('live');
    proxy.stall(true);
    await client.until('reconnecting');
    expect(client.status.error?.message).toContain('nothing was heard');
    proxy.stall(false);
    await client.until('live');
  });

  test('C4 stays on a quiet line, and measures it', async () => {
    const { url } = await server({ args: ['--heartbeat=300ms', '--heartbeat-timeout=300ms'] });
    const { clock } = fastClock(1);
    let measured = 0;
    const client = new Client(url, { platform: clock });
    await client.until('live');
    client.connection.status.subscribe(() => measured++);
    await expect.poll(() => measured, { timeout: 10_000 }).toBeGreaterThanOrEqual(4);
    expect(client.told).toEqual(['opened']);
  });

  test('waits longer each time while there is no server', async () => {
    const { server, proxy } = await proxied();
    await server.kill();
    const { clock, waits } = fastClock(1000);
    const client = new Client(proxy.url, { platform: { ...clock, random: () => 1 } });
    await client.until((status) => status.attempt >= 8);
    expect(client.states).toEqual(['connecting', 'reconnecting']);
    const retries = waits.filter((ms) => [500, 1000, 2000, 4000, 8000, 16_000, 20_000].includes(ms));
    expect(retries.slice(0, 8)).toEqual([500, 1000, 2000, 4000, 8000, 16_000, 20_000, 20_000]);
  });
});

describe('the page and the device', () => {
  test('offline by the switch: nothing is tried until it is turned back', async () => {
    const { proxy } = await proxied();
    const client = new Client(proxy.url);
    await client.until('live');
    client.connection.setOffline(true);
    expect(client.status).toMatchObject({ state: 'offline', transport: null, retryAt: null });
    expect(client.told).toEqual(['opened', 'lost']);
    await expect.poll(() => proxy.open).toBe(0);
    const { accepted } = proxy;
    client.connection.reconnect();
    client.connection.setOffline(true);
    expect(client.status.state).toBe('offline');
    client.connection.setOffline(false);
    await client.until('live');
    expect(proxy.accepted).toBe(accepted + 1);
  });

  test('offline by the device, and back at once when it says so', async () => {
    const { proxy } = await proxied();
    const page = new Page();
    let online = true;
    const client = new Client(proxy.url, { platform: { window: page, online: () => online, random: () => 1 } });
    await client.until('live');
    online = false;
    proxy.refuse(true);
    page.dispatchEvent(new Event('offline'));
    expect(client.status).toMatchObject({ state: 'offline' });
    expect(client.told).toEqual(['opened', 'lost']);
    await client.until((status) => status.attempt >= 2);
    expect(client.states.slice(4)).toEqual(['offline']);
    online = true;
    proxy.refuse(false);
    page.dispatchEvent(new Event('online'));
    await client.until('live');
  });

  test.each(['online', 'pageshow', 'visibilitychange'])('tries at once on %s', async (type) => {
    const { server, proxy } = await proxied();
    const page = new Page();
    const { clock, waits } = fastClock(0.001); // no timer of its own fires
    const client = new Client(proxy.url, { platform: { ...clock, random: () => 1, window: page, document: page } });
    await client.until('live');
    await server.restart();
    await client.until('reconnecting');
    expect(waits.at(-1)).toBe(500);
    page.visibilityState = 'hidden';
    page.dispatchEvent(new Event('visibilitychange'));
    expect(client.status.retryAt).not.toBeNull();
    page.visibilityState = 'visible';
    page.dispatchEvent(new Event(type));
    await client.until('live');
  });

  test('a hidden tab waits longer', async () => {
    const { server, proxy } = await proxied();
    const page = new Page();
    const { clock, waits } = fastClock(1);
    const client = new Client(proxy.url, { platform: { ...clock, random: () => 1, document: page } });
    await client.until('live');
    page.visibilityState = 'hidden';
    await server.kill();
    await client.until('reconnecting');
    expect(waits.at(-1)).toBe(1500);
  });

  test('finds a dead line soon after the page is shown again', async () => {
    const { proxy } = await proxied();
    const page = new Page();
    const { clock } = fastClock(10);
    const client = new Client(proxy.url, { platform: { ...clock, document: page } });
    await client.until('live');
    page.dispatchEvent(new Event('visibilitychange'));
    proxy.stall(true);
    const began = clock.monotonic();
    page.dispatchEvent(new Event('visibilitychange'));
    await client.until('reconnecting');
    expect(clock.monotonic() - began).toBeLessThan(10_000);
    proxy.stall(false);
    await client.until('live');
  });

  test('leaves no timer, listener or line behind', async () => {
    const { proxy } = await proxied();
    const page = new Page();
    const { clock, timers } = fastClock(1);
    const client = new Client(proxy.url, { platform: { ...clock, window: page, document: page } });
    await client.until('live');
    expect(page.listeners).toBe(4);
    await client.connection.stop();
    expect(client.status).toMatchObject({ state: 'closed', transport: null });
    expect(page.listeners).toBe(0);
    expect(timers.size).toBe(0);
    await expect.poll(() => proxy.open).toBe(0);
    client.connection.reconnect();
    client.connection.setOffline(true);
    expect(client.connection.send({ type: 'PING', id: 'x', payload: {} })).toBe(false);
    expect(client.status.state).toBe('closed');
    expect(client.told).toEqual(['opened']);
  });
});

describe('where no WebSocket gets through', () => {
  test.each(['403', 'drop', 'hang'] as const)(
    'H2 carries on by a stream after two failures (%s), and goes back by itself',
    async (how) => {
      const { proxy } = await proxied();
      proxy.blockWebSocket(how);
      const { clock, waits } = fastClock(20);
      const client = new Client(proxy.url, { platform: clock });
      const status = await client.until('fallback');
      expect(status).toMatchObject({ transport: 'stream', attempt: 0, error: null, clientId: 'tab-1', userId: 'ana' });
      expect(client.told).toEqual(['opened']);
      await client.subscribe('ops');
      expect(await client.create('ops', 'cpu')).toMatchObject({ kind: 'ack', ack: { version: 1, inStream: false } });
      await client.message((message) => message.kind === 'entry' && message.entry.version === 1);
      await expect.poll(() => waits.filter((ms) => ms === 30_000).length, { timeout: 10_000 }).toBeGreaterThan(1); // it probed
      expect(client.status.state).toBe('fallback');
      proxy.blockWebSocket(null);
      await client.until('live');
      expect(client.status.transport).toBe('websocket');
      expect(client.told).toEqual(['opened', 'lost', 'opened']);
      expect(client.states.slice(client.states.indexOf('fallback'))).not.toContain('reconnecting');
      expect(await client.subscribe('ops', { epoch: await epoch(client), version: 1 })).toMatchObject({
        response: { mode: 'delta', version: 1, entries: [] },
      });
      expect(await client.create('ops', 'mem')).toMatchObject({ ack: { version: 2, inStream: true } });
    },
  );

  test('looks for a WebSocket at once when the network changes', async () => {
    const { proxy } = await proxied();
    proxy.blockWebSocket('403');
    const page = new Page();
    const client = new Client(proxy.url, { platform: { window: page } });
    await client.until('fallback');
    proxy.blockWebSocket(null);
    page.dispatchEvent(new Event('online'));
    await client.until('live');
    expect(client.told).toEqual(['opened', 'lost', 'opened']);
  });

  test('a server that was only away is no reason for it', async () => {
    const { server, proxy } = await proxied();
    await server.kill();
    const client = new Client(proxy.url);
    await client.until((status) => status.attempt >= 3);
    await server.restart();
    const status = await client.until('live');
    expect(status.transport).toBe('websocket');
    expect(client.states).not.toContain('fallback');
  });

  test('the words of a server that refuses are told', async () => {
    const { url } = await server();
    const client = new Client(url.replace('127.0.0.1', 'localhost'), {
      platform: {
        WebSocket: class extends WebSocket {
          constructor(at: string | URL) {
            super(at, 'dashwire.v0');
          }
        },
        fetch: (input, init) => fetch(input, { ...init, headers: { ...init?.headers, Forwarded: 'for=192.0.2.1' } }),
      },
    });
    const status = await client.until(({ error }) => error?.message.includes('sign-in is off') === true);
    expect(status).toMatchObject({ state: 'reconnecting', error: { code: 'NETWORK' } });
  });
});

/** The epoch of what the client heard last. */
async function epoch(client: Client): Promise<string> {
  const message = await client.message((message) => message.kind === 'entry');
  return message.kind === 'entry' ? message.entry.epoch : '';
}

describe('by a stream', () => {
  const stream = { WebSocket: null };

  test('H2 is used at once where there is no WebSocket at all', async () => {
    const { url } = await server();
    const client = new Client(url, { platform: stream });
    await client.until('fallback');
    expect(client.states).toEqual(['connecting', 'authenticating', 'catching-up', 'fallback']);
    expect(client.status.latency).toBeGreaterThanOrEqual(0);
  });

  test('R2 hears each version once and in order, its own and those of others', async () => {
    const { url } = await server();
    const other = new Client(url, { clientId: 'tab-2' });
    await other.until('live');
    const client = new Client(url, { platform: stream });
    await client.until('fallback');
    expect(await client.subscribe('ops')).toMatchObject({ response: { mode: 'snapshot', version: 0 } });
    const mine = Array.from({ length: 20 }, (_, i) =>
      client.send('WIDGET_UPDATE', { dashboardId: 'ops', widgetId: `a${i}`, create: true, set: {} }),
    );
    const theirs = Array.from({ length: 20 }, (_, i) =>
      other.send('WIDGET_UPDATE', { dashboardId: 'ops', widgetId: `b${i}`, create: true, set: {} }),
    );
    for (const id of mine) expect(await client.answer(id)).toMatchObject({ kind: 'ack', ack: { inStream: false } });
    for (const id of theirs) expect((await other.answer(id)).kind).toBe('ack');
    await client.message((message) => message.kind === 'entry' && message.entry.version === 40);
    const versions = client.messages.flatMap((message) => (message.kind === 'entry' ? [message.entry.version] : []));
    expect(versions).toEqual(Array.from({ length: 40 }, (_, i) => i + 1));
    expect(client.told).toEqual(['opened']);
  });

  test('E3 ops get one answer each, in the order in which they were sent', async () => {
    const { url } = await server();
    const requests: string[] = [];
    const client = new Client(url, {
      platform: {
        ...stream,
        fetch: (input, init) => {
          if (init?.method === 'POST') requests.push(String(init.body));
          return fetch(input, init);
        },
      },
    });
    await client.until('fallback');
    await client.create('ops', 'cpu');
    client.messages.length = requests.length = 0;
    const ids = [
      client.send('WIDGET_UPDATE', { dashboardId: 'ops', widgetId: 'mem', create: true, set: {} }),
      client.send('WIDGET_UPDATE', { dashboardId: 'ops', widgetId: 'mem', create: true, set: {} }),
      client.send('WIDGET_DATA', { dashboardId: 'ops', widgetId: 'cpu', data: 1 }),
      client.send('WIDGET_UPDATE', { dashboardId: 'ops', widgetId: 'gone', set: { '/a': 1 } }),
    ];
    await client.answer(ids[3] as string);
    const answers = client.messages.map((message) => [
      message.kind,
      'correlationId' in message && message.correlationId,
    ]);
    expect(answers).toEqual([
      ['ack', ids[0]],
      ['nack', ids[1]],
      ['conflict', ids[3]],
    ]);
    expect(requests).toHaveLength(1);
  });

  test('SYNC_REQUEST for one more, again, and for the end of one', async () => {
    const { url } = await server();
    const client = new Client(url, { platform: stream });
    await client.until('fallback');
    await client.subscribe('ops');
    await client.create('ops', 'cpu');
    await client.message((message) => message.kind === 'entry');
    expect(await client.answer(client.send('SYNC_REQUEST', { dashboardId: 'eu' }))).toMatchObject({
      response: { dashboardId: 'eu' },
    });
    const again = client.send('SYNC_REQUEST', { dashboardId: 'ops', since: { epoch: '', version: 0 } });
    expect(await client.answer(again)).toMatchObject({
      response: { mode: 'delta', version: 1, entries: [{ version: 1 }] },
    });
    const end = client.send('SYNC_REQUEST', { dashboardId: 'eu', unsubscribe: true });
    expect(await client.answer(end)).toMatchObject({ response: { dashboardId: 'eu', mode: 'none' } });
    const other = new Client(url, { clientId: 'tab-2' });
    await other.until('live');
    await other.create('eu', 'x');
    await other.create('ops', 'x');
    await client.message(
      (message) => message.kind === 'entry' && message.entry.dashboardId === 'ops' && message.entry.version === 2,
    );
    expect(client.messages.some((message) => message.kind === 'entry' && message.entry.dashboardId === 'eu')).toBe(
      false,
    );
    expect(client.told).toEqual(['opened']);
  });

  test('what is followed when it opens is asked for once', async () => {
    const { url } = await server();
    const opened: string[] = [];
    const client = new Client(url, {
      platform: {
        ...stream,
        fetch: (input, init) => {
          if (String(input).includes('/events')) opened.push(String(input));
          return fetch(input, init);
        },
      },
      onOpen: (client) => {
        client.send('SYNC_REQUEST', { dashboardId: 'ops' }, `first${opened.length}`);
        client.connection.settle('live');
      },
    });
    await client.until('fallback');
    await client.answer('first1');
    expect(opened).toHaveLength(2);
    client.connection.follow(new Map([['ops', null]]));
    client.connection.setOffline(true);
    client.connection.setOffline(false);
    await client.answer('first3');
    expect(opened).toHaveLength(3);
  });

  test('D5 one dashboard too many is refused, and the rest goes on', async () => {
    const { url } = await server({ args: ['--max-dashboards=1'] });
    const client = new Client(url, { platform: stream });
    await client.until('fallback');
    await client.subscribe('ops');
    const one = client.send('SYNC_REQUEST', { dashboardId: 'eu' });
    expect(await client.answer(one)).toMatchObject({
      kind: 'nack',
      nack: { code: 'LIMIT_EXCEEDED', retryable: false },
    });
    expect(await client.create('ops', 'cpu')).toMatchObject({ kind: 'ack' });
  });

  test('W3 presence is of the session, and shown again after the stream was opened anew', async () => {
    const { url } = await server();
    const other = new Client(url, { clientId: 'tab-2' });
    await other.until('live');
    await other.subscribe('ops');
    const client = new Client(url, { platform: stream });
    await client.until('fallback');
    await client.subscribe('ops');
    client.send('PRESENCE', { dashboardId: 'ops', state: { name: 'Ana' } });
    await other.message(
      (message) => message.kind === 'presence' && message.joined[0]?.sessionId === client.status.sessionId,
    );
    await client.answer(client.send('SYNC_REQUEST', { dashboardId: 'eu' }));
    await other.message(
      (message) => message.kind === 'presence' && message.joined.at(-1)?.sessionId === client.status.sessionId,
    );
    expect(client.messages.some((message) => message.kind === 'nack')).toBe(false);
  });

  test('D4 an op that spoils the request does not take others with it', async () => {
    const { url } = await server();
    let posts = 0;
    const client = new Client(url, {
      platform: {
        ...stream,
        fetch: (input, init) => {
          if (init?.method === 'POST') posts++;
          return fetch(input, init);
        },
      },
    });
    await client.until('fallback');
    await client.subscribe('ops');
    const create = (widgetId: string, title: string) =>
      client.send('WIDGET_UPDATE', { dashboardId: 'ops', widgetId, create: true, set: { '/title': title } });
    const [before, spoilt, after] = [create('a', 'x'), create('b', '\ud800'), create('c', 'x')];
    expect(await client.answer(after)).toMatchObject({ kind: 'ack', ack: { version: 2 } });
    expect(await client.answer(before)).toMatchObject({ kind: 'ack', ack: { version: 1 } });
    expect(await client.answer(spoilt)).toMatchObject({ kind: 'nack', nack: { retryable: false } });
    const answers = client.messages.flatMap((message) =>
      message.kind === 'ack' || message.kind === 'nack' ? [message] : [],
    );
    expect(answers.map(({ correlationId }) => correlationId)).toEqual([before, spoilt, after]);
    expect(posts).toBe(4);
  });

  test('a POST that fails is an answer too, which says to try again', async () => {
    const { proxy } = await proxied();
    let broken = true;
    const client = new Client(proxy.url, {
      platform: {
        ...stream,
        fetch: (input, init) =>
          broken && init?.method === 'POST' ? Promise.reject(new TypeError('failed')) : fetch(input, init),
      },
    });
    await client.until('fallback');
    const op = { dashboardId: 'ops', widgetId: 'cpu', create: true, set: {} };
    expect(await client.answer(client.send('WIDGET_UPDATE', op, 'op-1'))).toMatchObject({
      kind: 'nack',
      nack: { code: 'NETWORK', retryable: true, retryAfterMs: 1000 },
    });
    broken = false;
    client.messages.length = 0;
    expect(await client.answer(client.send('WIDGET_UPDATE', op, 'op-1'))).toMatchObject({ kind: 'ack' });
  });

  test('comes back to a server that was killed, as a stream', async () => {
    const { server, proxy } = await proxied();
    const client = new Client(proxy.url, { platform: stream });
    await client.until('fallback');
    await server.kill();
    await client.until('reconnecting');
    await server.restart();
    await client.until('fallback');
    expect(client.told).toEqual(['opened', 'lost', 'opened']);
  });

  test('C7 keeps to the window of a server that restarts', async () => {
    const started = await server();
    const { clock, waits } = fastClock(10);
    const client = new Client(started.url, { platform: { ...clock, ...stream, random: () => 1 } });
    await client.until('fallback');
    const stopping = started.stop();
    await client.until('reconnecting');
    expect(waits.at(-1)).toBe(5000);
    await stopping;
  });

  test('C4 drops a stream on which nothing comes any more', async () => {
    const { proxy } = await proxied({ args: ['--heartbeat=400ms', '--heartbeat-timeout=400ms'] });
    const client = new Client(proxy.url, { platform: stream });
    await client.until('fallback');
    proxy.stall(true);
    await client.until('reconnecting');
    proxy.stall(false);
    await client.until('fallback');
  });

  test('leaves no timer or line behind', async () => {
    const { proxy } = await proxied();
    const { clock, timers } = fastClock(1);
    const client = new Client(proxy.url, { platform: { ...clock, ...stream } });
    await client.until('fallback');
    await client.subscribe('ops');
    client.send('PRESENCE', { dashboardId: 'ops', state: 1 });
    await client.connection.stop();
    expect(timers.size).toBe(0);
  });
});

describe('sign-in', () => {
  /** An app that gives these tokens one after another, the last again and again. */
  function app(...tokens: (string | null | Error)[]) {
    const given = {
      calls: 0,
      token: async () => {
        const next = tokens[Math.min(given.calls++, tokens.length - 1)];
        if (next instanceof Error) throw next;
        return next ?? null;
      },
    };
    return given;
  }
  const transports = [
    { name: 'WebSocket', platform: {}, live: 'live' },
    { name: 'stream', platform: { WebSocket: null }, live: 'fallback' },
  ] as const;

  test.each(transports)('C2 signs in with its token ($name)', async ({ platform, live }) => {
    const { url } = await server({ signIn: true });
    const client = new Client(url, { platform, token: () => token('ana'), userId: undefined });
    expect(await client.until(live)).toMatchObject({ userId: 'ana', clientId: 'tab-1' });
    await client.subscribe('ops');
    expect(await client.create('ops', 'cpu')).toMatchObject({ kind: 'ack' });
  });

  test.each(transports)(
    'C2 asks once more for a token, then waits for a person ($name)',
    async ({ platform, live }) => {
      const { url } = await server({ signIn: true });
      const given = app('nonsense', 'nonsense', token('ana'));
      const client = new Client(url, { platform, token: given.token, userId: undefined });
      const status = await client.until('needs-auth');
      expect(status).toMatchObject({ retryAt: null, error: { code: 'UNAUTHENTICATED' } });
      expect(given.calls).toBe(2);
      expect(client.told).toEqual([]);
      client.connection.reconnect();
      await client.until(live);
      expect(given.calls).toBe(3);
    },
  );

  test.each(transports)('C2 without a token it says so at once ($name)', async ({ platform }) => {
    const { url } = await server({ signIn: true });
    const none = new Client(url, { platform, userId: undefined });
    expect((await none.until('needs-auth')).error?.message).toContain('sign in');
    const given = app(null);
    const nobody = new Client(url, { platform, token: given.token, userId: undefined });
    await nobody.until('needs-auth');
    expect(given.calls).toBe(2);
  });

  test.each(transports)('C3 gives a fresh token before the old one ends ($name)', async ({ platform, live }) => {
    const { url } = await server({ signIn: true });
    const short = token('ana', 'owner', 2000);
    const given = app(short, token('ana'));
    const client = new Client(url, { platform, token: given.token, userId: undefined });
    await client.until(live);
    await client.subscribe('ops');
    await expect.poll(() => Date.now() > Number(short.split('.')[2]), { timeout: 5000 }).toBe(true);
    expect(await client.create('ops', 'cpu')).toMatchObject({ kind: 'ack' });
    expect(given.calls).toBe(2);
    expect(client.told).toEqual(['opened']);
    expect(client.status.state).toBe(live);
  });

  test('a token that cannot be had is tried for again', async () => {
    const { url } = await server({ signIn: true });
    const given = app(new Error('the login page is away'), new Error('still'), token('ana'));
    const client = new Client(url, { token: given.token, userId: undefined });
    const status = await client.until(({ error }) => error !== null);
    expect(status).toMatchObject({ state: 'reconnecting', error: { code: 'NETWORK' } });
    expect(status.error?.message).toContain('the login page is away');
    await client.until('live');
  });

  test('C2 a directory that is away is no wrong token', async () => {
    const { url } = await server({ signIn: true });
    const given = app('away', token('ana'));
    const client = new Client(url, { token: given.token, userId: undefined });
    await client.until('live');
    expect(client.states).not.toContain('needs-auth');
  });

  test('another user signs in after the first one, in the same tab', async () => {
    const { proxy } = await proxied({ signIn: true });
    const given = app(token('ana'), token('bo'));
    const client = new Client(proxy.url, { token: given.token, userId: undefined });
    expect((await client.until('live')).userId).toBe('ana');
    proxy.cut();
    await client.until('reconnecting');
    expect((await client.until('live')).userId).toBe('bo');
  });

  test('R6 a dashboard that may not be seen is refused, and the rest goes on (stream)', async () => {
    const { url } = await server({ signIn: true });
    const client = new Client(url, { token: () => token('ana'), userId: undefined, platform: { WebSocket: null } });
    await client.until('fallback');
    expect(await client.subscribe('secret')).toMatchObject({ kind: 'nack', nack: { code: 'NOT_FOUND' } });
    expect(await client.subscribe('ops')).toMatchObject({ kind: 'sync-response' });
    expect(await client.subscribe('secret-2')).toMatchObject({ kind: 'nack', nack: { code: 'NOT_FOUND' } });
    expect(await client.create('ops', 'cpu')).toMatchObject({ kind: 'ack' });
    await client.message((message) => message.kind === 'entry');
    expect(client.told).toEqual(['opened']);
  });
});
