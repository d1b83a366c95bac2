import { describe, expect, test } from 'vitest';
import { connect, until } from '../test/clients.ts';
import { Client, fastClock, Page, proxied, server } from '../test/line.ts';

describe('where no WebSocket gets through', () => {
  test.each(['403', 'drop', 'hang'] as const)(
    'H2 carries on by a stream after two failures (%s), and goes back by itself',
    async (how) => {
      const { proxy } = await proxied();
      proxy.blockWebSocket(how);
      const { clock, waits } = fastClock(10);
      const client = new Client(proxy.url, { platform: clock });
      const status = await client.until('fallback');
      expect(status).toMatchObject({ transport: 'stream', attempt: 0, error: null, clientId: 'tab-1', userId: 'ana' });
      expect(client.told).toEqual(['opened']);
      await client.subscribe('ops');
      expect(await client.create('ops', 'cpu')).toMatchObject({ kind: 'ack', ack: { version: 1, inStream: false } });
      await client.message((message) => message.kind === 'entry' && message.entry.version === 1);
      await expect.poll(() => waits.filter((ms) => ms === 30_000).length).toBeGreaterThan(1); // it probed
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

  test('D2 a dashboard that cannot be does not keep the others away', async () => {
    const { url } = await server();
    await using client = connect({ url }, { platform: stream });
    const none = client.dashboard('no such!');
    const ops = client.dashboard('ops');
    expect((await ops.createWidget({ type: 'text' }).done).state).toBe('settled');
    const { error } = await until(none.state, ({ status }) => status === 'failed');
    expect(error).toMatchObject({ code: 'INVALID_ID' });
    client.setOffline(true);
    client.setOffline(false);
    expect((await ops.createWidget({ type: 'text' }).done).state).toBe('settled');
    await until(client.connection, ({ state, error }) => state === 'fallback' && error === null);
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
