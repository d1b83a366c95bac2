import { afterEach, expect, test, vi } from 'vitest';
import { connect, openDashboard } from '../test/clients.ts';
import { Client, fastClock, server } from '../test/line.ts';
import { part } from './part.ts';

afterEach(() => {
  vi.doUnmock('./stream.ts');
  vi.doUnmock('./rest.ts');
  vi.doUnmock('./inverse.ts');
});

/** As when a page has lost the network, or its files have been replaced. */
function gone(): never {
  throw new TypeError('Failed to fetch dynamically imported module');
}

test('says in words what cannot be fetched, and that it may work later', async () => {
  await expect(part(Promise.reject(new TypeError('Failed to fetch')))).rejects.toMatchObject({
    name: 'DashwireError',
    code: 'NETWORK',
    retryable: true,
    message: expect.stringContaining('reload the page'),
    cause: expect.any(TypeError),
  });
  expect(await part(Promise.resolve(1))).toBe(1);
});

test('a fallback that cannot be fetched is tried again and again, and works once it can be', async () => {
  vi.doMock('./stream.ts', gone);
  const { url } = await server();
  const client = new Client(url, { platform: { ...fastClock(10).clock, WebSocket: null } });
  await client.until('reconnecting');
  expect(client.status.error).toMatchObject({ code: 'NETWORK', retryable: true });
  expect(client.status.error?.message).toContain('a part of this page could not be fetched');
  expect(client.status.retryAt).not.toBeNull();
  vi.doUnmock('./stream.ts');
  await client.until('fallback');
  expect(client.status).toMatchObject({ transport: 'stream', error: null });
});

test('REST and undo say so, lose nothing, and work later', async () => {
  vi.doMock('./rest.ts', gone);
  vi.doMock('./inverse.ts', gone);
  await using ana = connect(await server());
  const a = await openDashboard(ana, 'parts');
  await a.updateSettings({ set: { '/title': 'Ops' } }).done;
  const failed = await a.undo();
  expect(failed).toMatchObject({ outcome: { state: 'rejected', error: { code: 'NETWORK' } }, skipped: [] });
  expect(a.undoState.getSnapshot().canUndo).toBe(true);
  await expect(ana.dashboards.get('parts')).rejects.toMatchObject({ code: 'NETWORK', retryable: true });
  vi.doUnmock('./rest.ts');
  vi.doUnmock('./inverse.ts');
  expect(await ana.dashboards.get('parts')).toMatchObject({ settings: { title: 'Ops' } });
  expect((await a.undo())?.outcome.state).toBe('settled');
  expect(a.settings.getSnapshot()).toEqual({});
});
