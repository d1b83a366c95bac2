import { type Dashboard, type Layout, type Move, normaliseLayout, type Rectangle, Store } from '@dashwire/client';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { announcement } from '../announce.ts';
import { GridControl } from './control.ts';
import { Places } from './places.ts';
import { type GridView, newGridStores, type TileActions } from './view.ts';

/** 24 columns of 42 px and a gap of 8: a cell is 50 px wide, 32 px high. */
const scale = { width: 1192, rowHeight: 24, gap: 8, flow: false };
const at = (x: number, y: number, w = 6, h = 4, fixed = false): Rectangle => ({ x, y, w, h, static: fixed });

let layout: Store<Layout | undefined>;
let moved: Record<string, Move>[];
let pointed: (Rectangle | null)[];
let root: HTMLElement;
let view: GridView;
let control: GridControl;
const viewing = { readOnly: false, narrow: false, kiosk: false };
const actions = {
  openSettings: vi.fn(),
  openConflicts: vi.fn(),
  duplicate: vi.fn(),
  pin: vi.fn(),
  remove: vi.fn(),
} satisfies TileActions;

beforeEach(() => {
  layout = new Store<Layout | undefined>({
    columns: 24,
    compact: 'vertical',
    items: { a: at(0, 0), b: at(6, 0), c: at(0, 4), pinned: at(12, 0, 6, 4, true) },
  });
  moved = [];
  pointed = [];
  root = document.createElement('div');
  document.body.append(root);
  view = { ...newGridStores(), places: new Places(root) };
  const items = layout.getSnapshot()?.items ?? {};
  for (const id of Object.keys(items)) {
    const tile = document.createElement('div');
    tile.dataset.tile = id;
    tile.innerHTML =
      '<div class="tile-box" tabindex="-1"><header data-grip="move"></header><i data-grip="resize"></i></div>';
    root.append(tile);
    view.places.attach(id, tile);
  }
  const dashboard = {
    layout: () => layout,
    widget: (id: string) => new Store({ title: `Tile ${id}` }),
    widgetIds: () => new Store(['a', 'b', 'c', 'pinned']),
    move: (moves: Record<string, Move>) => {
      moved.push(moves);
      const before = layout.getSnapshot();
      if (before) layout.set(normaliseLayout(before, moves));
    },
  } as unknown as Dashboard;
  Object.assign(viewing, { readOnly: false, narrow: false, kiosk: false });
  control = new GridControl({
    dashboard,
    view,
    root,
    pointAt: (rectangle) => pointed.push(rectangle),
    viewing: () => viewing,
    actions: () => actions,
  });
  control.resize(scale);
});

afterEach(() => {
  control.stop();
  document.body.replaceChildren();
  vi.clearAllMocks();
});

const tile = (id: string) => root.querySelector<HTMLElement>(`[data-tile="${id}"]`) as HTMLElement;
const transform = (id: string) => tile(id).style.transform;
const said = () => announcement.getSnapshot().text;

function press(id: string, key: string, more: KeyboardEventInit = {}): boolean {
  const event = new KeyboardEvent('keydown', { key, ...more });
  Object.defineProperty(event, 'target', { value: tile(id).querySelector('.tile-box') });
  return control.key(event);
}

function pointer(type: string, target: Element | Window, x: number, y: number): void {
  const init = { clientX: x, clientY: y, button: 0, isPrimary: true, pointerId: 1, bubbles: true };
  const event = new PointerEvent(type, init);
  if (type === 'pointerdown') {
    Object.defineProperty(event, 'target', { value: target });
    control.press(event);
  } else {
    target.dispatchEvent(event);
  }
}

describe('keys', () => {
  test('arrows go to the tile beside and give it the focus', () => {
    expect(press('a', 'ArrowRight')).toBe(true);
    expect(view.selected.getSnapshot()).toBe('b');
    expect(document.activeElement).toBe(tile('b').firstElementChild);
  });

  test('L1: M, arrows and Enter move a tile by one op that has its place and nothing else', () => {
    press('a', 'm');
    press('a', 'ArrowDown');
    expect(moved).toEqual([]);
    expect([transform('a'), transform('c')]).toEqual(['translate(0px, 128px)', 'translate(0px, 0px)']);
    expect(said()).toBe('column 1, row 5, 6 wide, 4 high');
    press('a', 'Enter');
    expect(moved).toEqual([{ a: { x: 0, y: 4 } }]);
    expect(view.gesture.getSnapshot()).toBeNull();
    expect(pointed.at(-1)).toBeNull();
  });

  test('R resizes', () => {
    press('c', 'r');
    press('c', 'ArrowRight');
    press('c', 'ArrowDown');
    press('c', 'Enter');
    expect(moved).toEqual([{ c: { w: 7, h: 5 } }]);
  });

  test('Escape puts everything back and sends nothing', () => {
    press('a', 'm');
    press('a', 'ArrowDown');
    press('a', 'Escape');
    expect([transform('a'), transform('c')]).toEqual(['translate(0px, 0px)', 'translate(0px, 128px)']);
    expect(moved).toEqual([]);
    expect(said()).toBe('Tile a is back where it was.');
  });

  test('Enter where it began sends nothing', () => {
    press('a', 'm');
    press('a', 'ArrowDown');
    press('a', 'ArrowUp');
    press('a', 'Enter');
    expect(moved).toEqual([]);
  });

  test('the edit of somebody else shows at once while keys move a tile', () => {
    press('a', 'm');
    press('a', 'ArrowDown');
    const before = layout.getSnapshot() as Layout;
    layout.set(normaliseLayout(before, { b: { x: 18, y: 0 } }));
    expect(transform('b')).toBe('translate(900px, 0px)');
    expect(transform('a')).toBe('translate(0px, 128px)');
    press('a', 'Enter');
    expect(moved).toEqual([{ a: { x: 0, y: 4 } }]);
  });

  test('a tile that somebody deletes ends its move', () => {
    press('a', 'm');
    const { a: _, ...items } = (layout.getSnapshot() as Layout).items;
    layout.set({ columns: 24, compact: 'vertical', items });
    expect(view.gesture.getSnapshot()).toBeNull();
    press('b', 'Enter');
    expect(moved).toEqual([]);
  });

  test('a pinned tile says that it stays', () => {
    press('pinned', 'm');
    expect(view.gesture.getSnapshot()).toBeNull();
    expect(said()).toMatch(/pinned/);
  });

  test.each([
    ['Enter', 'openSettings'],
    ['e', 'openSettings'],
    ['d', 'duplicate'],
    ['Delete', 'remove'],
  ] as const)('%s is %s, but not for a viewer', (key, action) => {
    expect(press('a', key)).toBe(true);
    expect(actions[action]).toHaveBeenCalledExactlyOnceWith('a');
    viewing.readOnly = true;
    expect(press('a', key)).toBe(false);
    expect(press('a', 'm')).toBe(false);
    expect(actions[action]).toHaveBeenCalledTimes(1);
  });

  test('keys of the browser are left alone', () => {
    expect(press('a', 'd', { ctrlKey: true })).toBe(false);
    expect(press('a', 'x')).toBe(false);
    expect(actions.duplicate).not.toHaveBeenCalled();
  });
});

describe('pointer', () => {
  const grip = (id: string, how: 'move' | 'resize') => tile(id).querySelector(`[data-grip="${how}"]`) as Element;
  const frame = () => new Promise((resolve) => requestAnimationFrame(resolve));

  test('L1: a drag shows where it would end, and sends that place at the drop', async () => {
    pointer('pointerdown', grip('a', 'move'), 10, 10);
    pointer('pointermove', window, 915, 20);
    await frame();
    expect(transform('a')).toBe('translate(905px, 10px)');
    expect(view.gesture.getSnapshot()).toMatchObject({ id: 'a', mode: 'move', rectangle: { x: 18, y: 0 } });
    expect(transform('c')).toBe('translate(0px, 0px)');
    expect(moved).toEqual([]);
    pointer('pointerup', window, 915, 20);
    expect(moved).toEqual([{ a: { x: 18, y: 0 } }]);
    expect(transform('a')).toBe('translate(900px, 0px)');
    expect(tile('a').dataset.held).toBeUndefined();
  });

  test('a corner resizes', async () => {
    pointer('pointerdown', grip('c', 'resize'), 0, 0);
    pointer('pointermove', window, 104, -60);
    await frame();
    pointer('pointerup', window, 104, -60);
    expect(moved).toEqual([{ c: { w: 8, h: 2 } }]);
  });

  test('Escape and a lost pointer put the tile back', async () => {
    for (const end of [
      () => window.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape' })),
      () => pointer('pointercancel', window, 0, 0),
    ]) {
      pointer('pointerdown', grip('a', 'move'), 10, 10);
      pointer('pointermove', window, 500, 300);
      await frame();
      end();
      pointer('pointerup', window, 500, 300);
      expect(transform('a')).toBe('translate(0px, 0px)');
    }
    expect(moved).toEqual([]);
  });

  test('a click is no drag', async () => {
    pointer('pointerdown', grip('a', 'move'), 10, 10);
    pointer('pointermove', window, 12, 11);
    pointer('pointerup', window, 12, 11);
    await frame();
    expect(moved).toEqual([]);
    expect(pointed).toEqual([]);
  });

  test('nothing is dragged by a viewer, on a phone, or on a wall', async () => {
    for (const flag of ['readOnly', 'narrow', 'kiosk'] as const) {
      Object.assign(viewing, { readOnly: false, narrow: false, kiosk: false, [flag]: true });
      pointer('pointerdown', grip('a', 'move'), 10, 10);
      pointer('pointermove', window, 500, 300);
      await frame();
      pointer('pointerup', window, 500, 300);
    }
    expect(moved).toEqual([]);
  });

  test('the edit of somebody else shows at once during a drag', async () => {
    pointer('pointerdown', grip('a', 'move'), 10, 10);
    pointer('pointermove', window, 10, 400);
    await frame();
    layout.set(normaliseLayout(layout.getSnapshot() as Layout, { b: { x: 18, y: 0 } }));
    expect(transform('b')).toBe('translate(900px, 0px)');
    expect(transform('a')).toBe('translate(0px, 390px)');
    pointer('pointerup', window, 10, 400);
    expect(moved).toHaveLength(1);
  });

  test('a tile that somebody deletes during a drag is let go', async () => {
    pointer('pointerdown', grip('a', 'move'), 10, 10);
    pointer('pointermove', window, 10, 400);
    await frame();
    const { a: _, ...items } = (layout.getSnapshot() as Layout).items;
    layout.set({ columns: 24, compact: 'vertical', items });
    pointer('pointerup', window, 10, 400);
    expect(moved).toEqual([]);
    expect(view.gesture.getSnapshot()).toBeNull();
  });
});
