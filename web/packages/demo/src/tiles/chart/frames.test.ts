import { afterEach, expect, test, vi } from 'vitest';

afterEach(() => vi.unstubAllGlobals());

test('with less motion a chart finds its size at once, then is drawn once a second', async () => {
  let see: IntersectionObserverCallback = () => {};
  let next: FrameRequestCallback = () => {};
  vi.stubGlobal(
    'IntersectionObserver',
    class {
      constructor(callback: IntersectionObserverCallback) {
        see = callback;
      }
      observe() {}
      unobserve() {}
    },
  );
  vi.stubGlobal('matchMedia', () => ({ matches: true }));
  vi.stubGlobal('requestAnimationFrame', (callback: FrameRequestCallback) => {
    next = callback;
    return 1;
  });
  const { onFrame } = await import('./frames.ts');
  const chart = document.createElement('div');
  const draw = vi.fn();
  const stop = onFrame(chart, draw);
  const from = performance.now();
  see([{ target: chart, isIntersecting: true } as unknown as IntersectionObserverEntry], {} as IntersectionObserver);
  for (let ms = 16; ms <= 480; ms += 16) next(from + ms);
  expect(draw).toHaveBeenCalledTimes(30);
  for (let ms = 600; ms <= 4600; ms += 16) next(from + ms);
  expect(draw.mock.calls.length).toBeGreaterThanOrEqual(33);
  expect(draw.mock.calls.length).toBeLessThanOrEqual(35);
  stop();
});
