import { useEffect, useState } from 'react';

/** How long the order rests, in ms: longer than tiles take to ease into their places. */
const rest = 250;

/**
 * The same ids in an order that follows a moment later. A node that changes its place among its siblings loses the transition
 * that it is in, so tiles ease in first; then their order in the page, that of reading, is put right.
 */
export function useSteadyOrder(ids: readonly string[]): readonly string[] {
  const [order, setOrder] = useState(ids);
  useEffect(() => {
    if (order === ids) return;
    const timer = setTimeout(() => setOrder(ids), rest);
    return () => clearTimeout(timer);
  }, [order, ids]);
  return order === ids ? ids : merged(order, ids);
}

/** `ids`, those known before first and in the order of before. */
export function merged(before: readonly string[], ids: readonly string[]): readonly string[] {
  const now = new Set(ids);
  const known = before.filter((id) => now.has(id));
  const had = new Set(known);
  return [...known, ...ids.filter((id) => !had.has(id))];
}
