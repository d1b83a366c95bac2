/**
 * One loop of animation frames for all charts. It runs while one of them can be seen, and stands still in a hidden tab; with
 * less motion asked for each chart takes a frame a second, once it has found its size.
 */
const drawn = new Map<Element, () => void>();
/** Since when, by the clock of frames. */
const visible = new Map<Element, number>();
/** How long a chart that comes into view is drawn with every frame, in ms. */
const settleMs = 500;
let pending = 0;
let last = 0;
let observer: IntersectionObserver | null = null;
let calm: MediaQueryList | null = null;

/** Calls `draw` with each frame for as long as the element can be seen; returns how to stop. */
export function onFrame(element: Element, draw: () => void): () => void {
  observer ??= new IntersectionObserver(seen, { rootMargin: '64px' });
  calm ??= matchMedia('(prefers-reduced-motion: reduce)');
  drawn.set(element, draw);
  observer.observe(element);
  return () => {
    drawn.delete(element);
    visible.delete(element);
    observer?.unobserve(element);
  };
}

function seen(entries: readonly IntersectionObserverEntry[]): void {
  for (const { target, isIntersecting } of entries) {
    if (isIntersecting && drawn.has(target)) visible.set(target, performance.now());
    else visible.delete(target);
  }
  if (visible.size > 0 && pending === 0) pending = requestAnimationFrame(frame);
}

function frame(now: number): void {
  pending = visible.size > 0 ? requestAnimationFrame(frame) : 0;
  const rest = calm?.matches === true && now - last < 1000;
  if (!rest) last = now;
  for (const [element, since] of visible) {
    if (rest && now - since > settleMs) continue;
    try {
      drawn.get(element)?.();
    } catch (error) {
      drawn.delete(element); // one chart that fails does not hold up the others, nor 60 times a second
      reportError(error);
    }
  }
}
