import type { Layout, Move } from '@dashwire/client';
import { EdgeScroll } from './edge-scroll.ts';
import { type Box, boxOf, cellAt, cellsFor } from './geometry.ts';
import type { KeyMode } from './keyboard.ts';
import type { Placed } from './place.ts';
import { placed } from './place.ts';
import type { GridView } from './view.ts';

/** How far the pointer goes before a press becomes a drag, in px. */
const threshold = 4;

export interface DragEvents {
  /** The layout as all others see it, now. */
  layout(): Layout | undefined;
  /** The tile would end elsewhere than before. */
  aimed(id: string, mode: KeyMode, place: Placed): void;
  dropped(id: string, mode: KeyMode, place: Placed): void;
  cancelled(id: string): void;
  /** The press is over, whether it became a drag or not. */
  ended(): void;
}

/**
 * One drag by mouse, touch or pen, from the press on. The pointer is captured by the grid, which stays while tiles come and
 * go; Escape, a second press and losing the pointer put everything back.
 */
export class Drag {
  readonly id: string;
  readonly #mode: KeyMode;
  readonly #view: GridView;
  readonly #root: HTMLElement;
  readonly #events: DragEvents;
  readonly #pointer: number;
  readonly #from: { readonly x: number; readonly y: number };
  readonly #scroll: EdgeScroll;
  /** Where the tile was, in px of the grid. */
  readonly #box: Box;
  #at: { readonly x: number; readonly y: number };
  #moving = false;
  #asked = '';
  #place: Placed | undefined;
  #frame = 0;
  readonly #stop = new AbortController();

  constructor(view: GridView, root: HTMLElement, id: string, mode: KeyMode, press: PointerEvent, events: DragEvents) {
    this.id = id;
    this.#view = view;
    this.#root = root;
    this.#mode = mode;
    this.#events = events;
    this.#pointer = press.pointerId;
    this.#box = view.places.box(id) ?? { left: 0, top: 0, width: 0, height: 0 };
    const origin = root.getBoundingClientRect();
    this.#from = { x: press.clientX - origin.left, y: press.clientY - origin.top };
    this.#at = { x: press.clientX, y: press.clientY };
    this.#scroll = new EdgeScroll(() => this.#draw());
    const { signal } = this.#stop;
    const own = (then: (event: PointerEvent) => void) => (event: PointerEvent) => {
      if (event.pointerId === this.#pointer) then(event);
    };
    window.addEventListener('pointermove', own(this.#moved), { signal });
    window.addEventListener('pointerup', own(this.#released), { signal });
    window.addEventListener(
      'pointercancel',
      own(() => this.cancel()),
      { signal },
    );
    window.addEventListener('blur', () => this.cancel(), { signal });
    window.addEventListener('keydown', this.#key, { signal, capture: true });
  }

  /** The layout has changed under the drag, by others. */
  refresh(): void {
    if (!this.#moving) return;
    this.#asked = '';
    this.#draw();
  }

  cancel(): void {
    if (this.#end()) this.#events.cancelled(this.id);
  }

  #key = (event: KeyboardEvent): void => {
    if (event.key !== 'Escape') return;
    event.preventDefault();
    event.stopPropagation();
    this.cancel();
  };

  #moved = (event: PointerEvent): void => {
    this.#at = { x: event.clientX, y: event.clientY };
    if (!this.#moving) {
      const origin = this.#root.getBoundingClientRect();
      const far = Math.hypot(this.#at.x - origin.left - this.#from.x, this.#at.y - origin.top - this.#from.y);
      if (far < threshold) return;
      this.#moving = true;
      this.#root.dataset.dragging = this.#mode;
      this.#capture();
    }
    this.#scroll.toward(this.#at.y);
    this.#frame ||= requestAnimationFrame(() => {
      this.#frame = 0;
      this.#draw();
    });
  };

  #released = (): void => {
    if (this.#frame !== 0 && this.#moving) this.#draw(); // the last move counts
    const place = this.#place;
    if (!this.#end()) return;
    if (place) this.#events.dropped(this.id, this.#mode, place);
    else this.#events.cancelled(this.id);
  };

  #capture(): void {
    try {
      this.#root.setPointerCapture(this.#pointer);
    } catch {} // it is up already; the window hears that too
  }

  /** False if the press never became a drag. */
  #end(): boolean {
    this.#stop.abort();
    this.#scroll.stop();
    cancelAnimationFrame(this.#frame);
    this.#frame = 0;
    delete this.#root.dataset.dragging;
    const moving = this.#moving;
    this.#moving = false;
    this.#events.ended();
    if (this.#root.hasPointerCapture(this.#pointer)) this.#root.releasePointerCapture(this.#pointer);
    return moving;
  }

  #draw(): void {
    const { geometry } = this.#view.places;
    const layout = this.#events.layout();
    const start = layout?.items[this.id];
    if (!this.#moving || geometry === null || layout === undefined) return;
    if (start === undefined) {
      this.cancel(); // somebody deleted it
      return;
    }
    const origin = this.#root.getBoundingClientRect();
    const dx = this.#at.x - origin.left - this.#from.x;
    const dy = this.#at.y - origin.top - this.#from.y;
    const { left, top, width, height } = this.#box;
    let asked: Move;
    if (this.#mode === 'move') {
      const { x, y } = cellAt(left + dx, top + dy, geometry);
      asked = { x: Math.min(Math.max(x, 0), Math.max(geometry.columns - start.w, 0)), y: Math.max(y, 0) };
      this.#view.places.hold(this.id, { left: left + dx, top: top + dy, width, height });
    } else {
      const { w, h } = cellsFor(width + dx, height + dy, geometry);
      asked = { w: Math.min(w, Math.max(geometry.columns - start.x, 1)), h: Math.min(h, 1000) };
      const least = boxOf({ x: 0, y: 0, w: 1, h: 1 }, geometry);
      const size = { width: Math.max(width + dx, least.width), height: Math.max(height + dy, least.height) };
      this.#view.places.hold(this.id, { left, top, ...size });
    }
    const key = JSON.stringify(asked);
    if (key === this.#asked) return;
    this.#asked = key;
    const place = placed(layout, this.id, asked);
    if (place === undefined) return;
    this.#place = place;
    this.#events.aimed(this.id, this.#mode, place);
  }
}
