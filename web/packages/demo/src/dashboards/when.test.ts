import { describe, expect, it } from 'vitest';
import { timeLeft, whenInWords } from './when.ts';

const now = Date.parse('2026-11-23T12:00:00Z');
const ago = (ms: number) => new Date(now - ms).toISOString();

describe('whenInWords', () => {
  it.each([
    [0, 'just now'],
    [-5000, 'just now'],
    [59_000, 'just now'],
    [60_000, '1 minute ago'],
    [3 * 3_600_000, '3 hours ago'],
    [30 * 3_600_000, 'yesterday'],
    [10 * 86_400_000, 'last week'],
    [400 * 86_400_000, 'last year'],
  ])('%i ms ago is %s', (ms, words) => {
    expect(whenInWords(ago(ms), now)).toBe(words);
  });

  it('bears what is no time', () => {
    expect(whenInWords('soon', now)).toBe('at some time');
  });
});

describe('timeLeft', () => {
  it.each([
    [0, '30 days left'],
    [5 * 86_400_000, '25 days left'],
    [29.5 * 86_400_000, 'less than a day left'],
    [31 * 86_400_000, 'about to be gone'],
  ])('R9 %i ms after the deletion: %s', (ms, words) => {
    expect(timeLeft(ago(ms), now)).toBe(words);
  });
});
