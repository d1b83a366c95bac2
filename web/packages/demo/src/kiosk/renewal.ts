import { reloadIfThere } from '@dashwire/react';
import { useEffect } from 'react';

/** Between two attempts, in ms, and up to twice that: not all walls come at once. */
const reloadMs = 30_000;

/** Loads a page anew that is older than its server; while that is away it stays, since nobody would bring it back. */
export function useRenewal(old: boolean): void {
  useEffect(() => {
    if (!old) return;
    const timer = setInterval(() => void reloadIfThere(), reloadMs * (1 + Math.random()));
    return () => clearInterval(timer);
  }, [old]);
}
