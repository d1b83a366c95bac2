/** How long to wait before connecting again: full jitter, from 0.5 s doubling to 20 s. All times in ms. */
export class Backoff {
  /** Failed attempts in a row. */
  attempt = 0;
  /** Connections in a row that did not hold. */
  #broken = 0;
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /**
   * Counts a failed attempt and says how long to wait. A `window` that the server named takes the place of the jitter;
   * `slow` begins at the end of the scale; a hidden tab waits three times as long.
   */
  next({
    window,
    slow,
    hidden,
  }: {
    window?: readonly [number, number] | null;
    slow?: boolean;
    hidden?: boolean;
  }): number {
    const [from, to] = window ?? [0, Math.min(slowestMs, slow ? slowestMs : fastestMs * 2 ** this.attempt)];
    this.attempt++;
    return Math.round((from + this.#random() * (to - from)) * (hidden ? 3 : 1));
  }

  /** The connection held: the next failure is the first again. */
  reset(): void {
    this.attempt = 0;
    this.#broken = 0;
  }

  /** There was a connection, and it did not hold: what failed before it counts no more, those before it that did not hold do. */
  broke(): void {
    this.attempt = this.#broken++;
  }
}

const fastestMs = 500;
const slowestMs = 20_000;
