import { afterEach, describe, expect, it, vi } from 'vitest';
import { endpoints } from './endpoint.ts';
import { DashwireError } from './errors.ts';

afterEach(() => vi.unstubAllGlobals());

describe('endpoints', () => {
  it.each([
    ['https://host', 'https://host/api/realtime'],
    ['http://host:8080/', 'http://host:8080/api/realtime'],
    ['https://host/team/dash/', 'https://host/team/dash/api/realtime'],
    ['wss://host/api/realtime', 'https://host/api/realtime'],
    ['ws://host:1/team/api/realtime/?x=1#y', 'http://host:1/team/api/realtime'],
    [new URL('https://[::1]:9/api/realtime'), 'https://[::1]:9/api/realtime'],
  ])('C1 %s', (given, realtime) => {
    const all = endpoints(given);
    const base = realtime.replace('/realtime', '');
    expect(all.realtime.href).toBe(realtime);
    expect(all.socket.href).toBe(realtime.replace('http', 'ws'));
    expect(all.events.href).toBe(`${realtime}/events`);
    expect(all.dashboards.href).toBe(`${base}/dashboards`);
  });

  it('H1 is where the page came from, below its base if it has one', () => {
    vi.stubGlobal('location', { origin: 'https://host:8443' });
    expect(endpoints().socket.href).toBe('wss://host:8443/api/realtime');
    expect(endpoints('/team').socket.href).toBe('wss://host:8443/team/api/realtime');
    vi.stubGlobal('document', { querySelector: () => ({ href: 'https://host:8443/team/' }) });
    expect(endpoints().dashboards.href).toBe('https://host:8443/team/api/dashboards');
  });

  it.each([undefined, 'host', 'ftp://host', 'http://'])('C1 refuses %s and says what to give', (url) => {
    expect(() => endpoints(url)).toThrow(DashwireError);
    expect(() => endpoints(url)).toThrow(/address of/);
  });
});
