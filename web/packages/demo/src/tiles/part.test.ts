import { afterEach, expect, test, vi } from 'vitest';
import { part } from './part.ts';

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

test('a part is fetched once, and again only if that failed', async () => {
  vi.useFakeTimers();
  vi.stubGlobal('fetch', () => Promise.reject(new TypeError('Failed to fetch')));
  const it = { drawn: true };
  const load = vi
    .fn<() => Promise<typeof it>>()
    .mockRejectedValueOnce(new TypeError('Failed to fetch'))
    .mockResolvedValue(it);
  const one = part(load);
  expect(load).not.toHaveBeenCalled();
  one.fetch();
  one.fetch();
  await vi.advanceTimersByTimeAsync(0);
  expect(load).toHaveBeenCalledTimes(1);
  expect(one.current.getSnapshot()).toBe(null);
  await vi.advanceTimersByTimeAsync(10_000);
  expect(one.current.getSnapshot()).toBe(it);
  one.fetch();
  await vi.advanceTimersByTimeAsync(60_000);
  expect(load).toHaveBeenCalledTimes(2);
});
