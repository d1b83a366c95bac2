import type { EditOptions, Layout, Move, Operation } from '@dashwire/client';
import { useCallback, useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

export type MoveWidgets = (moved: Readonly<Record<string, Move>>, options?: EditOptions) => Operation;

/** The grid of a breakpoint, `main` if none is named, and how to move widgets in it. undefined = there is no such grid yet. */
export function useLayout(breakpoint?: string): readonly [layout: Layout | undefined, move: MoveWidgets] {
  const dashboard = useDashboard();
  const layout = useReadable(useMemo(() => dashboard.layout(breakpoint), [dashboard, breakpoint]));
  const move: MoveWidgets = useCallback(
    (moved, options) => dashboard.move(moved, { ...options, breakpoint }),
    [dashboard, breakpoint],
  );
  return [layout, move];
}
