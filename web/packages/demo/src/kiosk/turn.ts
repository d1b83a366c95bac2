import { useCallback, useEffect, useState } from 'react';

/** Which of so many is shown now, and how to have the next one at once. */
export function useTurn(count: number, everyMs: number): readonly [turn: number, next: (() => void) | undefined] {
  const [turn, setTurn] = useState(0);
  const next = useCallback(() => setTurn((now) => (now + 1) % count), [count]);
  const turns = count > 1 && everyMs > 0;
  // biome-ignore lint/correctness/useExhaustiveDependencies: each has its whole time, however it came to its turn
  useEffect(() => {
    if (!turns) return;
    const timer = setTimeout(next, everyMs);
    return () => clearTimeout(timer);
  }, [turns, everyMs, next, turn]);
  return [turn % Math.max(count, 1), turns ? next : undefined];
}
