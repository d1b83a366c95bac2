import { type ReactNode, useEffect, useRef, useState } from 'react';

/** Points that a line is made of: `[ms since 1970, number]`. */
export type Trail = readonly (readonly [number, number])[];

const most = 300;

/**
 * What a value was since this page has shown it, for one that brings no history of its own. At most 300 values of the last
 * `span` ms.
 */
export function useTrail(value: number | null, arrival: unknown, span: number): Trail {
  const [trail, setTrail] = useState<Trail>([]);
  const seen = useRef<unknown>(undefined);
  useEffect(() => {
    if (arrival === seen.current || value === null) return;
    seen.current = arrival;
    const now = Date.now();
    setTrail((was) => [...was.filter(([at]) => at > now - span).slice(1 - most), [now, value]]);
  }, [value, arrival, span]);
  return trail;
}

/** Whether a line says more than its two ends do: what only counts up, or stands still, does not. */
export function isTelling(trail: Trail): boolean {
  let rises = false;
  let falls = false;
  for (let i = 1; i < trail.length; i++) {
    const step = (trail[i]?.[1] ?? 0) - (trail[i - 1]?.[1] ?? 0);
    rises ||= step > 0;
    falls ||= step < 0;
  }
  return rises && falls;
}

/** A line without axes. It is decoration: the number beside it is what counts. */
export function Spark({
  trail,
  min,
  max,
}: {
  readonly trail: Trail;
  readonly min?: number;
  readonly max?: number;
}): ReactNode {
  const line = pathOf(trail, min, max);
  if (line === '') return null;
  return (
    <svg className="kind-spark" viewBox="0 0 100 100" preserveAspectRatio="none" aria-hidden="true">
      <path className="is-area" d={`${line}V100H0Z`} />
      <path className="is-line" d={line} />
    </svg>
  );
}

/** In a box of 100 by 100, the newest at the right edge. */
export function pathOf(trail: Trail, min?: number, max?: number): string {
  const [first, last] = [trail[0], trail.at(-1)];
  if (!first || !last || last[0] <= first[0]) return '';
  let low = min ?? Number.POSITIVE_INFINITY;
  let high = max ?? Number.NEGATIVE_INFINITY;
  for (const [, n] of trail) {
    low = Math.min(low, n);
    high = Math.max(high, n);
  }
  const scale = high > low ? 92 / (high - low) : 0;
  const points = trail.map(([at, n]) => {
    const x = (100 * (at - first[0])) / (last[0] - first[0]);
    return `${x.toFixed(2)} ${(high > low ? 96 - (n - low) * scale : 50).toFixed(2)}`;
  });
  return `M${points.join('L')}`;
}
