import { describe, expect, test } from 'vitest';
import { token } from '../../../testing/server.ts';
import { Client, fastClock, Page, proxied, server } from '../test/line.ts';

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
    expect(performance.now() - began).toBeLessThan(4900); // a line that was lost is given 5 s
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
    const { url } = await server({ args: ['--heartbeat=300ms', '--heartbeat-timeout=20s'] });
    const { clock } = fastClock(1);
    let measured = 0;
    const client = new Client(url, { platform: clock });
    await client.until('live');
    client.connection.status.subscribe(() => measured++);
    await expect.poll(() => measured).toBeGreaterThanOrEqual(4);
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
    const { clock, waits } = fastClock(10);
    const client = new Client(proxy.url, { platform: { ...clock, document: page } });
    await client.until('live');
    page.dispatchEvent(new Event('visibilitychange'));
    proxy.stall(true);
    const before = waits.length;
    page.dispatchEvent(new Event('visibilitychange'));
    await client.until('reconnecting');
    expect(waits[before]).toBe(5000); // and nothing it waited for before it gave up was longer
    expect(Math.max(...waits.slice(before))).toBe(5000);
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
