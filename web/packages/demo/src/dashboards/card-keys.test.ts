import { describe, expect, it } from 'vitest';
import { nextCard } from './card-keys.ts';

/** Seven cards in rows of three; the last row is short. */
const cards = Array.from({ length: 7 }, (_, i) => ({
  name: i,
  getBoundingClientRect: () => ({ left: (i % 3) * 300, top: Math.floor(i / 3) * 200 }) as DOMRect,
}));

describe('nextCard', () => {
  it.each([
    [0, 'ArrowRight', 1],
    [2, 'ArrowRight', 3],
    [6, 'ArrowRight', 6],
    [0, 'ArrowLeft', 0],
    [1, 'ArrowDown', 4],
    [3, 'ArrowDown', 6],
    [4, 'ArrowDown', 6],
    [4, 'ArrowUp', 1],
    [1, 'ArrowUp', 1],
    [3, 'Home', 0],
    [3, 'End', 6],
  ])('from %i by %s to %i', (from, key, to) => {
    const card = cards[from];
    expect(card && nextCard(cards, card, key)?.name).toBe(to);
  });

  it('leaves other keys alone', () => {
    expect(cards[0] && nextCard(cards, cards[0], 'Enter')).toBeUndefined();
  });
});
