import { createServer, type IncomingMessage } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { endpoints } from './endpoint.ts';
import type { ErrorCode } from './errors.ts';
import { createRest, type RestOptions } from './rest.ts';

const refused = (code: ErrorCode, more: object = {}) =>
  expect.objectContaining({ name: 'DashwireError', code, ...more });

describe('a real server', () => {
  let server: TestServer;
  const open = (more: Partial<RestOptions> = {}) =>
    createRest({ endpoints: endpoints(server.url), platform: { fetch }, userId: 'ana', clientId: 'tab-1', ...more });

  beforeAll(async () => {
    server = await startServer();
  }, 120_000);
  afterAll(() => server.dispose());

  it('H3 creates, lists, copies, deletes and brings back', async () => {
    // As from a page, of which the server takes JSON only (H1).
    const page: typeof fetch = (url, given) => {
      const headers = new Headers(given?.headers);
      headers.set('Origin', server.url);
      return fetch(url, { ...given, headers });
    };
    const { dashboards } = open({ platform: { fetch: page } });
    const { id } = await dashboards.create({ title: 'Operations' });
    await dashboards.create({ id: 'team:ops.1', title: 'Team' });
    const { id: copy } = await dashboards.duplicate('team:ops.1', { title: 'Copy' });
    const document = await dashboards.get(copy);
    expect(document).toMatchObject({ id: copy, version: 1, settings: { title: 'Copy' }, widgets: {} });
    expect(document.layouts.main?.items).toEqual({});

    const found = await dashboards.list({ query: 'team' });
    expect(found).toEqual({
      cursor: null,
      dashboards: [expect.objectContaining({ id: 'team:ops.1', title: 'Team', version: 1, widgets: 0, role: 'owner' })],
    });
    const first = await dashboards.list({ limit: 1 });
    expect(first.dashboards).toHaveLength(1);
    const rest = await dashboards.list({ cursor: first.cursor ?? '' });
    expect([...first.dashboards, ...rest.dashboards].map((d) => d.id).sort()).toEqual([id, copy, 'team:ops.1'].sort());

    await dashboards.delete(copy);
    expect((await dashboards.list({ deleted: true })).dashboards.map((d) => d.id)).toEqual([copy]);
    await dashboards.undelete(copy);
    expect((await dashboards.get(copy)).settings).toEqual({ title: 'Copy' });
  });

  it('H3 exports and imports', async () => {
    const { dashboards } = open();
    await dashboards.create({ id: 'file', title: 'File' });
    const text = await dashboards.export('file');
    expect(JSON.parse(text)).toMatchObject({ format: 'dashwire.dashboard', document: { settings: { title: 'File' } } });
    expect(JSON.parse(await dashboards.export('file', 'grafana'))).toMatchObject({ title: 'File' });
    expect(await dashboards.import(text, { id: 'file-2' })).toEqual(
      expect.objectContaining({ id: 'file-2', title: expect.any(String), drawn: 0, kept: 0, notes: [] }),
    );
    await expect(dashboards.import(text, { id: 'file-2' })).rejects.toEqual(refused('EXISTS'));
    await dashboards.import(text.replace('"title":"File"', '"title":"Other"'), { id: 'file-2', replace: true });
    expect((await dashboards.get('file-2')).settings.title).toBe('Other');
    await expect(dashboards.import('no JSON')).rejects.toEqual(refused('BAD_MESSAGE', { retryable: false }));
  });

  it('H3 reads history by page, names versions and restores one', async () => {
    const { dashboards, dashboard } = open();
    await dashboards.create({ id: 'past', title: 'One' });
    await dashboards.import('{"settings":{"title":"Two"},"widgets":{}}', { id: 'past', replace: true });
    const past = dashboard('past');
    await past.nameVersion(1, 'the "first"');
    await past.nameVersion(2, 'second');
    expect(await past.versions()).toMatchObject([
      { version: 2, name: 'second', by: 'ana' },
      { version: 1, name: 'the "first"', by: 'ana' },
    ]);
    await past.nameVersion(2, null);
    expect((await past.versions()).map((v) => v.version)).toEqual([1]);
    await past.restore(1);
    expect((await dashboards.get('past')).settings).toMatchObject({ title: 'One', versions: { 1: { by: 'ana' } } });

    const page = await past.history({ limit: 4 });
    expect([page.entries.map((e) => e.version), page.before]).toEqual([[6, 5, 4, 3], 3]);
    expect(page.entries[0]).toMatchObject({
      type: 'WIDGET_BATCH',
      dashboardId: 'past',
      author: { userId: 'ana', clientId: 'tab-1' },
      change: { settings: { set: { '/title': 'One' } } },
    });
    const older = await past.history({ before: page.before ?? 0 });
    expect([older.entries.map((e) => e.version), older.before]).toEqual([[2, 1], null]);
    expect(await past.versionAt(2)).toMatchObject({ id: 'past', version: 2, settings: { title: 'Two' } });
  });

  it('H5 rejects with what the server says', async () => {
    const { dashboards, dashboard } = open();
    await expect(dashboards.delete('none')).rejects.toEqual(refused('NOT_FOUND', { retryable: false }));
    await expect(dashboards.create({ id: 'a/b' })).rejects.toEqual(refused('INVALID_ID', { path: 'id' }));
    await expect(dashboards.get('..')).rejects.toEqual(refused('INVALID_ID'));
    await expect(dashboard('past').versionAt(99)).rejects.toEqual(refused('BAD_VERSION'));
    await expect(dashboard('past').restore(0)).rejects.toEqual(refused('BAD_VERSION', { path: 'toVersion' }));
  });

  it('M1 ends by a signal, the caller’s or the client’s', async () => {
    const ended = AbortSignal.abort(new Error('enough'));
    await expect(open().dashboards.list({ signal: ended })).rejects.toEqual(refused('ABORTED'));
    await expect(open({ signal: ended }).dashboards.get('past')).rejects.toEqual(refused('ABORTED'));
  });
});

describe('what is no Dashwire server', () => {
  /** A server that answers all requests alike. */
  async function answering(status: number, body: string, heard: (request: IncomingMessage) => void = () => {}) {
    const server = createServer((request, response) => {
      heard(request);
      response.writeHead(status, { 'Content-Type': 'text/html', Connection: 'close' }).end(body);
    });
    await new Promise<void>((ready) => server.listen(0, '127.0.0.1', ready));
    const { port } = server.address() as AddressInfo;
    const close = () => new Promise<void>((gone) => server.close(() => gone()));
    return { url: `http://127.0.0.1:${port}`, close, [Symbol.asyncDispose]: close };
  }

  it.each<[number, ErrorCode, boolean]>([
    [401, 'UNAUTHENTICATED', false],
    [403, 'FORBIDDEN', false],
    [404, 'NOT_FOUND', false],
    [413, 'TOO_LARGE', false],
    [418, 'BAD_MESSAGE', false],
    [429, 'RATE_LIMITED', true],
    [502, 'UNAVAILABLE', true],
  ])('H5 the page of a proxy with %d is %s', async (status, code, retryable) => {
    await using proxy = await answering(status, '<h1>sorry</h1>');
    const { dashboards } = createRest({ endpoints: endpoints(proxy.url), platform: { fetch } });
    await expect(dashboards.list()).rejects.toEqual(refused(code, { retryable }));
    const todo = status === 404 ? 'look at the address' : retryable ? 'try again' : 'ask who runs it';
    await expect(dashboards.list()).rejects.toThrow(
      `the server, or what stands before it, answered with HTTP ${status}: ${todo}`,
    );
  });

  it.each(['<h1>It works</h1>', '[]', '{"dashboards":{}}', '{"dashboards":[{"id":1}]}'])(
    'H3 the answer %s is refused',
    async (body) => {
      await using other = await answering(200, body);
      const { dashboards, dashboard } = createRest({ endpoints: endpoints(other.url), platform: { fetch } });
      await expect(dashboards.list()).rejects.toEqual(refused('INTERNAL'));
      await expect(dashboards.get('a')).rejects.toEqual(refused('INTERNAL'));
      await expect(dashboard('a').history()).rejects.toEqual(refused('INTERNAL'));
    },
  );

  it('C2 sends the token and the user, below a prefix', async () => {
    const heard: (string | undefined)[] = [];
    await using other = await answering(200, '{"dashboards":[],"next":null}', ({ url, headers }) => {
      heard.push(url, headers.authorization);
    });
    const addresses = endpoints(`${other.url}/team`);
    const named = createRest({ endpoints: addresses, platform: { fetch }, userId: 'ana & bo', token: () => null });
    await named.dashboards.list({ query: 'a b' });
    const signedIn = createRest({ endpoints: addresses, platform: { fetch }, token: async () => 'secret' });
    await signedIn.dashboards.list({ deleted: true, limit: 3 });
    expect(heard).toEqual([
      '/team/api/dashboards?userId=ana+%26+bo&q=a+b',
      undefined,
      '/team/api/dashboards?limit=3&deleted=true',
      'Bearer secret',
    ]);
    const failing = createRest({
      endpoints: addresses,
      platform: { fetch },
      token: () => Promise.reject(new Error('no')),
    });
    await expect(failing.dashboards.list()).rejects.toEqual(refused('UNAUTHENTICATED', { retryable: true }));
    expect(heard).toHaveLength(4);
  });

  it('H5 no answer at all may be tried again', async () => {
    const gone = await answering(200, '');
    await gone.close();
    const { dashboards } = createRest({ endpoints: endpoints(gone.url), platform: { fetch } });
    await expect(dashboards.list()).rejects.toEqual(refused('NETWORK', { retryable: true }));
  });
});
