import { useEffect, useRef } from 'react';

/** Calls it when the page goes out of sight, after which it may be ended without a word: what was typed has to go out now. */
export function useHidden(act: () => void): void {
  const latest = useRef(act);
  useEffect(() => {
    latest.current = act;
  });
  useEffect(() => {
    const onChange = () => {
      if (document.visibilityState === 'hidden') latest.current();
    };
    document.addEventListener('visibilitychange', onChange);
    return () => document.removeEventListener('visibilitychange', onChange);
  }, []);
}
