import { DashwireError } from '@dashwire/client';
import { describe, expect, it } from 'vitest';
import { failureInWords, ownId, resultInWords, sentence } from './words.ts';

describe('resultInWords', () => {
  it.each([
    [0, 0, 'It has no tiles.'],
    [1, 0, 'Its one tile is drawn.'],
    [12, 0, 'All 12 tiles are drawn.'],
    [12, 1, '12 tiles drawn. 1 is only kept: shown as a frame, and whole again in an export.'],
    [1, 3, '1 tile drawn. 3 are only kept: shown as a frame, and whole again in an export.'],
    [0, 2, 'None of its tiles is drawn. 2 are only kept: shown as a frame, and whole again in an export.'],
  ])('%i drawn, %i kept', (drawn, kept, words) => {
    expect(resultInWords({ drawn, kept })).toBe(words);
  });
});

describe('failureInWords', () => {
  it('says what to do', () => {
    expect(failureInWords(new DashwireError('NETWORK', 'x'))).toMatch(/try again/);
    expect(failureInWords(new DashwireError('FORBIDDEN', 'x'))).toMatch(/who owns/);
    expect(failureInWords(new DashwireError('TOO_LARGE', 'the dashboard has too many bytes: split it'))).toBe(
      'The dashboard has too many bytes: split it.',
    );
    expect(failureInWords('thrown')).toMatch(/Try again/);
  });

  it('makes sentences of the server’s words', () => {
    expect(sentence('')).toBe('The server did not say why.');
    expect(sentence('was it lost?')).toBe('Was it lost?');
  });
});

describe('ownId', () => {
  it('is that of our export, and of nothing else', () => {
    expect(ownId('{"format":"dashwire.dashboard","id":"ops"}')).toBe('ops');
    expect(ownId('{"panels":[],"id":7}')).toBeNull();
    expect(ownId('no JSON')).toBeNull();
  });
});
