import { act } from 'react';
import { createRoot } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { useRenewal } from './renewal.ts';

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  vi.useFakeTimers();
});
afterEach(() => {
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

function Wall({ old }: { readonly old: boolean }) {
  useRenewal(old);
  return null;
}

test('a wall that is old is loaded anew, but only when the server has the page', async () => {
  const fetch = vi.fn().mockRejectedValue(new TypeError('Failed to fetch'));
  vi.stubGlobal('fetch', fetch);
  const reload = vi.spyOn(window.location, 'reload').mockReturnValue();
  const root = createRoot(document.createElement('div'));
  act(() => root.render(<Wall old={false} />));
  await vi.advanceTimersByTimeAsync(600_000);
  expect(fetch).not.toHaveBeenCalled();
  act(() => root.render(<Wall old />));
  await vi.advanceTimersByTimeAsync(300_000);
  fetch.mockResolvedValue(new Response(null, { status: 502 }));
  await vi.advanceTimersByTimeAsync(300_000);
  expect(fetch.mock.calls.length).toBeGreaterThanOrEqual(9);
  expect(reload).not.toHaveBeenCalled();
  fetch.mockResolvedValue(new Response());
  await vi.advanceTimersByTimeAsync(60_000);
  expect(reload).toHaveBeenCalled();
  act(() => root.unmount());
});
