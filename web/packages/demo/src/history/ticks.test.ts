import { describe, expect, it } from 'vitest';
import { ticksOf } from './ticks.ts';

const rows = (from: number, to: number) =>
  Array.from({ length: from - to + 1 }, (_, i) => ({
    version: from - i,
    at: 0,
    author: { userId: 'ana', clientId: null },
    words: '',
  }));

describe('ticksOf', () => {
  it('marks each version where there is room', () => {
    expect(ticksOf(rows(3, 1), 1, 3, 100)).toEqual([
      { version: 3, at: 1 },
      { version: 2, at: 0.5 },
      { version: 1, at: 0 },
    ]);
  });

  it('marks a stretch by its newest version where there is none', () => {
    const ticks = ticksOf(rows(1001, 1), 1, 1001, 10);
    expect(ticks).toHaveLength(11);
    expect(ticks[0]).toEqual({ version: 1001, at: 1 });
  });

  it('leaves out what lies beyond the slider, and bears a slider of one version', () => {
    expect(ticksOf(rows(5, 1), 3, 4, 100).map(({ version }) => version)).toEqual([4, 3]);
    expect(ticksOf(rows(1, 1), 1, 1, 100)).toEqual([{ version: 1, at: 0 }]);
  });
});
