import type { Row } from './log.ts';

export interface Tick {
  /** The newest of the versions that it stands for. */
  readonly version: number;
  /** 0 to 1 along the slider. */
  readonly at: number;
}

/** Where authors are marked on a slider: one tick for each version, or for each stretch of them if there is no room for all. */
export function ticksOf(rows: readonly Row[], min: number, max: number, most: number): readonly Tick[] {
  const span = Math.max(max - min, 1);
  const ticks = new Map<number, Tick>();
  for (const { version } of rows) {
    if (version < min || version > max) continue;
    const at = (version - min) / span;
    const slot = span <= most ? version : Math.round(at * most);
    if (!ticks.has(slot)) ticks.set(slot, { version, at }); // newest first
  }
  return [...ticks.values()];
}
