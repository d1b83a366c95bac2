/** How near to the edge of the window scrolling begins, and how fast it is at the edge, in px and px per frame. */
const margin = 64;
const speed = 18;

/** Scrolls the page while something is dragged near the upper or lower edge of the window. */
export class EdgeScroll {
  readonly #scrolled: () => void;
  #by = 0;
  #frame = 0;

  /** `scrolled` is called after each step. */
  constructor(scrolled: () => void) {
    this.#scrolled = scrolled;
  }

  /** The pointer is at this height of the window. */
  toward(y: number): void {
    const above = Math.max(margin + 48 - y, 0); // below the bar
    const below = Math.max(y - (window.innerHeight - margin), 0);
    this.#by = ((below - above) / margin) * speed;
    if (this.#by !== 0 && this.#frame === 0) this.#frame = requestAnimationFrame(this.#step);
  }

  stop(): void {
    this.#by = 0;
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
  }

  #step = (): void => {
    this.#frame = 0;
    if (this.#by === 0) return;
    const before = window.scrollY;
    window.scrollBy(0, this.#by);
    if (window.scrollY === before) return; // the end
    this.#scrolled();
    this.#frame = requestAnimationFrame(this.#step);
  };
}
