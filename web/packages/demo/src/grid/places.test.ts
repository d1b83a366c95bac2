import type { Layout } from '@dashwire/client';
import { beforeEach, expect, test } from 'vitest';
import type { Geometry } from './geometry.ts';
import { Places } from './places.ts';

const geometry: Geometry = { columns: 12, width: 1192, rowHeight: 24, gap: 8, flow: false };
const at = (x: number, y: number) => ({ x, y, w: 4, h: 4, static: false });
const layout: Layout = { columns: 12, compact: 'vertical', items: { a: at(0, 0), b: at(4, 0) } };

let root: HTMLElement;
let places: Places;
const tile = (id: string) => {
  const element = document.createElement('div');
  root.append(element);
  return { element, detach: places.attach(id, element) };
};

beforeEach(() => {
  root = document.createElement('div');
  places = new Places(root);
});

test('puts tiles at their places, whether they come before the layout or after it', () => {
  const { element: a } = tile('a');
  places.show(layout, geometry);
  const { element: b } = tile('b');
  expect(a.style.transform).toBe('translate(0px, 0px)');
  expect(b.style.transform).toBe('translate(400px, 0px)');
  expect(b.style.width).toBe('392px');
  expect(root.style.height).toBe(`${4 * 32 - 8}px`);
});

test('writes only what has another place', () => {
  const { element: a } = tile('a');
  const { element: b } = tile('b');
  places.show(layout, geometry);
  a.style.transform = 'translate(1px, 1px)'; // by somebody else: it would be written over
  places.show({ ...layout, items: { ...layout.items, b: at(8, 0) } }, { ...geometry });
  expect(b.style.transform).toBe('translate(800px, 0px)');
  expect(a.style.transform).toBe('translate(1px, 1px)');
});

test('a held tile keeps its box until it is let go', () => {
  const { element: a } = tile('a');
  places.show(layout, geometry);
  places.hold('a', { left: 33, top: 44, width: 392, height: 120 });
  places.show({ ...layout, items: { ...layout.items, a: at(0, 4) } }, geometry);
  expect(a.style.transform).toBe('translate(33px, 44px)');
  expect(a.dataset.held).toBe('');
  places.release();
  expect(a.style.transform).toBe('translate(0px, 128px)');
  expect(a.dataset.held).toBeUndefined();
});

test('in one column only heights count', () => {
  const { element: b } = tile('b');
  places.show(layout, geometry);
  places.show(layout, { ...geometry, flow: true });
  expect([b.style.transform, b.style.width, b.style.height, root.style.height]).toEqual(['', '', '120px', '']);
});

test('a detached tile is left alone; its successor under the same id is not', () => {
  const first = tile('a');
  const second = tile('a');
  first.detach();
  places.show(layout, geometry);
  expect(first.element.style.transform).toBe('');
  expect(second.element.style.transform).toBe('translate(0px, 0px)');
});
