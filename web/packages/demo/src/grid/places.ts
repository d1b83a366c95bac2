import type { Layout, Rectangle } from '@dashwire/client';
import { type Box, boxOf, type Geometry, heightOf, rowsOf } from './geometry.ts';

/**
 * Puts tiles where the layout says, past React: a layout of a thousand tiles in which one moved writes the style of that one.
 * Moves ease in by a transition of the style sheet; the first place of a tile and a change of the grid's width do not.
 */
export class Places {
  readonly #root: HTMLElement;
  readonly #tiles = new Map<string, HTMLElement>();
  /** The rectangle and geometry that each tile's style was written for. */
  readonly #written = new Map<string, readonly [Rectangle, Geometry]>();
  #layout: Layout | null = null;
  #geometry: Geometry | null = null;
  #held: string | null = null;

  /** `root` gets the height of the layout. */
  constructor(root: HTMLElement) {
    this.#root = root;
  }

  get layout(): Layout | null {
    return this.#layout;
  }

  get geometry(): Geometry | null {
    return this.#geometry;
  }

  element(id: string): HTMLElement | undefined {
    return this.#tiles.get(id);
  }

  /** Takes a tile's element in; gives back how to let go of it. */
  attach(id: string, element: HTMLElement): () => void {
    this.#tiles.set(id, element);
    this.#written.delete(id);
    this.#write(id);
    return () => {
      if (this.#tiles.get(id) !== element) return;
      this.#tiles.delete(id);
      this.#written.delete(id);
    };
  }

  show(layout: Layout, geometry: Geometry): void {
    const still = this.#geometry !== null && !sameScale(this.#geometry, geometry);
    if (still) this.#root.dataset.still = '';
    this.#layout = layout;
    if (this.#geometry === null || !sameScale(this.#geometry, geometry)) this.#geometry = geometry;
    this.#root.style.height = geometry.flow ? '' : `${heightOf(rowsOf(layout), geometry)}px`;
    for (const id of this.#tiles.keys()) this.#write(id);
    if (still) {
      void this.#root.offsetHeight; // the new places count as there before transitions are on again
      delete this.#root.dataset.still;
    }
  }

  /** The held tile follows the pointer: it keeps the box that is given here, whatever the layout says. */
  hold(id: string, box: Box): void {
    this.#held = id;
    const element = this.#tiles.get(id);
    if (element === undefined) return;
    element.dataset.held = '';
    write(element, box, false);
  }

  release(): void {
    const id = this.#held;
    this.#held = null;
    if (id === null) return;
    const element = this.#tiles.get(id);
    if (element) delete element.dataset.held;
    this.#written.delete(id);
    this.#write(id);
  }

  /** Where a tile is shown, in px of the grid. */
  box(id: string): Box | undefined {
    const rectangle = this.#layout?.items[id];
    return rectangle && this.#geometry ? boxOf(rectangle, this.#geometry) : undefined;
  }

  #write(id: string): void {
    const element = this.#tiles.get(id);
    const rectangle = this.#layout?.items[id];
    const geometry = this.#geometry;
    if (element === undefined || rectangle === undefined || geometry === null || id === this.#held) return;
    const [was, by] = this.#written.get(id) ?? [];
    if (was === rectangle && by === geometry) return;
    this.#written.set(id, [rectangle, geometry]);
    write(element, boxOf(rectangle, geometry), geometry.flow);
  }
}

function write({ style }: HTMLElement, { left, top, width, height }: Box, flow: boolean): void {
  style.transform = flow ? '' : `translate(${left}px, ${top}px)`;
  style.width = flow ? '' : `${width}px`;
  style.height = `${height}px`;
}

function sameScale(a: Geometry, b: Geometry): boolean {
  return (
    a.columns === b.columns &&
    a.width === b.width &&
    a.rowHeight === b.rowHeight &&
    a.gap === b.gap &&
    a.flow === b.flow
  );
}
