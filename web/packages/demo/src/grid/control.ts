import type { Dashboard, Layout, Move, Rectangle } from '@dashwire/client';
import { announce } from '../announce.ts';
import type { Geometry } from './geometry.ts';
import { type Direction, directionOf, type KeyMode, neighbour, nudge, placeInWords } from './keyboard.ts';
import { changed, type Placed, placed } from './place.ts';
import { Drag, type DragEvents } from './pointer.ts';
import { titleOf } from './tile-name.ts';
import type { GridView, TileActions } from './view.ts';

/** A move or a resize by keys, from its first key to Enter or Escape. */
interface KeyGesture {
  readonly id: string;
  readonly mode: KeyMode;
  asked: Move;
}

export interface GridHost {
  readonly dashboard: Dashboard;
  readonly view: GridView;
  readonly root: HTMLElement;
  /** Tells the others where a tile is about to go; null = nowhere any more. */
  pointAt(rectangle: Rectangle | null): void;
  /** Asked at each press and key. */
  viewing(): { readonly readOnly: boolean; readonly narrow: boolean; readonly kiosk: boolean };
  readonly actions: () => TileActions;
}

/**
 * Everything that the hand does on a grid: drags, keys, and showing where things would go. While a gesture lasts, what is shown
 * is the newest layout of all with the gesture in it; nothing is sent before its end.
 */
export class GridControl {
  readonly #host: GridHost;
  readonly #stop: () => void;
  #geometry: Geometry | null = null;
  #drag: Drag | null = null;
  #keys: KeyGesture | null = null;
  #place: Placed | null = null;

  constructor(host: GridHost) {
    this.#host = host;
    this.#stop = host.dashboard.layout().subscribe(() => this.#changed());
  }

  stop(): void {
    this.#stop();
    this.#drag?.cancel();
    this.#endKeys();
  }

  /** The grid has another size; how many columns it has, the layout says. */
  resize(scale: Omit<Geometry, 'columns'>): void {
    this.#geometry = { ...scale, columns: 1 };
    this.#draw();
  }

  press(event: PointerEvent): void {
    if (event.button !== 0 || !event.isPrimary || !(event.target instanceof Element) || this.#drag !== null) return;
    const { readOnly, narrow, kiosk } = this.#host.viewing();
    const mode = event.target.closest<HTMLElement>('[data-grip]')?.dataset.grip;
    const id = event.target.closest<HTMLElement>('[data-tile]')?.dataset.tile;
    if (readOnly || narrow || kiosk || id === undefined || (mode !== 'move' && mode !== 'resize')) return;
    if (event.target.closest('button, input, a')) return;
    this.#endKeys();
    const { view, root } = this.#host;
    const events: DragEvents = {
      layout: () => this.#layout(),
      aimed: (tile, how, place) => this.#aim(tile, how, 'pointer', place),
      dropped: (tile, _, place) => this.#commit(tile, place),
      cancelled: (tile) => {
        this.#end();
        announce(`${this.#title(tile)} is back where it was.`);
      },
      ended: () => {
        this.#drag = null;
      },
    };
    this.#drag = new Drag(view, root, id, mode, event, events);
  }

  /** True: the key was meant for the grid. */
  key(event: KeyboardEvent): boolean {
    if (!(event.target instanceof Element) || !event.target.matches('.tile-box')) return false;
    const id = event.target.closest<HTMLElement>('[data-tile]')?.dataset.tile;
    if (id === undefined || event.ctrlKey || event.metaKey || event.altKey) return false;
    return this.#keys === null ? this.#selectKey(id, event.key) : this.#gestureKey(this.#keys, event.key);
  }

  /** The focus has left the tile that keys move. */
  left(): void {
    if (this.#keys !== null) this.#cancelKeys();
  }

  focus(id: string): void {
    const { view } = this.#host;
    view.selected.set(id);
    const element = view.places.element(id);
    element?.querySelector<HTMLElement>('.tile-box')?.focus({ preventScroll: true });
    element?.scrollIntoView({ block: 'nearest' });
  }

  #selectKey(id: string, key: string): boolean {
    const { dashboard, actions, view, viewing } = this.#host;
    const direction = directionOf(key);
    const layout = this.#layout();
    if (direction !== undefined && layout !== undefined) {
      const { narrow } = viewing();
      const next = narrow ? this.#inOrder(id, direction) : neighbour(layout, id, direction);
      if (next !== undefined) this.focus(next);
      return true;
    }
    if (key === 'Home' || key === 'End') {
      const next = dashboard
        .widgetIds()
        .getSnapshot()
        .at(key === 'Home' ? 0 : -1);
      if (next !== undefined) this.focus(next);
      return true;
    }
    if (viewing().readOnly || viewing().kiosk) return false;
    switch (key) {
      case 'm':
      case 'r':
        this.#beginKeys(id, key === 'm' ? 'move' : 'resize');
        return true;
      case 'e':
      case 'Enter':
        actions().openSettings(id);
        return true;
      case 'd':
        actions().duplicate(id);
        return true;
      case 'p':
        actions().pin(id);
        return true;
      case 'Delete':
      case 'Backspace':
        actions().remove(id);
        return true;
      case 'F2':
        view.renaming.set(id);
        return true;
      default:
        return false;
    }
  }

  #inOrder(id: string, direction: Direction): string | undefined {
    const ids = this.#host.dashboard.widgetIds().getSnapshot();
    const by = direction === 'up' || direction === 'left' ? -1 : 1;
    const at = ids.indexOf(id) + by;
    return at < 0 ? undefined : ids[at];
  }

  #beginKeys(id: string, mode: KeyMode): void {
    const rectangle = this.#layout()?.items[id];
    if (rectangle === undefined || this.#host.viewing().narrow) return;
    if (rectangle.static) {
      announce(`${this.#title(id)} is pinned: it stays where it is. P lets go of it.`);
      return;
    }
    this.#keys = { id, mode, asked: {} };
    this.#host.view.gesture.set({ id, by: 'keys', mode, rectangle });
    this.#host.pointAt(rectangle);
    const verb = mode === 'move' ? 'Moving' : 'Resizing';
    announce(
      `${verb} ${this.#title(id)}: ${placeInWords(rectangle)}. Arrow keys, then Enter, or Escape to put it back.`,
    );
  }

  #gestureKey(gesture: KeyGesture, key: string): boolean {
    const direction = directionOf(key);
    if (direction !== undefined) {
      this.#nudge(gesture, direction);
      return true;
    }
    switch (key) {
      case 'Enter':
      case ' ':
        if (this.#place) this.#commit(gesture.id, this.#place);
        else this.#cancelKeys();
        return true;
      case 'Escape':
        this.#cancelKeys();
        return true;
      case 'm':
      case 'r': {
        const { id, mode } = gesture;
        if ((key === 'm') === (mode === 'move')) return true;
        if (this.#place) this.#commit(id, this.#place);
        this.#beginKeys(id, key === 'm' ? 'move' : 'resize');
        return true;
      }
      default:
        return key.length === 1; // no other letter does anything meanwhile
    }
  }

  #nudge(gesture: KeyGesture, direction: Direction): void {
    const { id, mode } = gesture;
    const layout = this.#layout();
    const shown = this.#place?.rectangle ?? layout?.items[id];
    if (layout === undefined || shown === undefined) return;
    const move = nudge(shown, mode, direction, layout.columns, (asked) => placed(layout, id, asked)?.rectangle);
    const place = move && placed(layout, id, move);
    if (move === undefined || place === undefined) {
      announce('It cannot go further that way.');
      return;
    }
    gesture.asked = move;
    this.#aim(id, mode, 'keys', place);
    announce(placeInWords(place.rectangle));
    this.#host.view.places.element(id)?.scrollIntoView({ block: 'nearest' });
  }

  #aim(id: string, mode: KeyMode, by: 'pointer' | 'keys', place: Placed): void {
    this.#place = place;
    this.#host.view.gesture.set({ id, by, mode, rectangle: place.rectangle });
    this.#host.pointAt(place.rectangle);
    this.#draw();
  }

  #commit(id: string, place: Placed): void {
    const from = this.#layout()?.items[id];
    const move = from && changed(from, place.move);
    this.#end(() => {
      if (move) this.#host.dashboard.move({ [id]: move });
    });
    announce(
      move ? `${this.#title(id)} is at ${placeInWords(place.rectangle)}.` : `${this.#title(id)} stays where it was.`,
    );
  }

  #cancelKeys(): void {
    const id = this.#keys?.id;
    this.#end();
    if (id !== undefined) announce(`${this.#title(id)} is back where it was.`);
  }

  #endKeys(): void {
    if (this.#keys !== null) this.#end();
  }

  /** Ends what is going on. `then` sends it, before the tiles are let go: they ease from where they are into the result. */
  #end(then?: () => void): void {
    this.#drag = null;
    this.#keys = null;
    this.#place = null;
    then?.();
    this.#host.view.gesture.set(null);
    this.#host.pointAt(null);
    this.#draw();
    this.#host.view.places.release();
  }

  /** Somebody else's edit, or the answer to one's own. */
  #changed(): void {
    const layout = this.#layout();
    if (this.#drag) this.#drag.refresh();
    const keys = this.#keys;
    if (keys !== null && layout !== undefined && this.#place !== null) {
      const place = placed(layout, keys.id, keys.asked);
      if (place === undefined) this.#cancelKeys();
      else this.#aim(keys.id, keys.mode, 'keys', place);
      return;
    }
    if (keys !== null && layout?.items[keys.id] === undefined) this.#cancelKeys();
    this.#draw();
  }

  #draw(): void {
    const layout = this.#place?.layout ?? this.#layout();
    if (layout === undefined || this.#geometry === null) return;
    const geometry = { ...this.#geometry, columns: layout.columns };
    const { places, shown } = this.#host.view;
    places.show(layout, geometry);
    const is = shown.getSnapshot();
    if (is === null || is.layout !== layout || is.geometry !== places.geometry) {
      shown.set({ layout, geometry: places.geometry ?? geometry });
    }
  }

  #layout(): Layout | undefined {
    return this.#host.dashboard.layout().getSnapshot();
  }

  #title(id: string): string {
    return titleOf(this.#host.dashboard.widget(id).getSnapshot(), id);
  }
}
