import { useEffect, useState } from 'react';

/** How long something may take before it is shown as not done, in ms: shorter waits would only flicker. */
export const patience = 400;

/** True from the moment `at` on, in ms since 1970; null = never. */
export function useReached(at: number | null): boolean {
  const [reached, setReached] = useState<number | null>(null);
  useEffect(() => {
    if (at === null) return;
    const timer = setTimeout(() => setReached(at), Math.max(0, at - Date.now()));
    return () => clearTimeout(timer);
  }, [at]);
  return at !== null && reached === at;
}

/** Now, in ms since 1970, and again each second while `running`. */
export function useNow(running: boolean): number {
  const [now, setNow] = useState(Date.now);
  useEffect(() => {
    if (!running) return;
    setNow(Date.now());
    const timer = setInterval(() => setNow(Date.now()), 1000);
    return () => clearInterval(timer);
  }, [running]);
  return now;
}
