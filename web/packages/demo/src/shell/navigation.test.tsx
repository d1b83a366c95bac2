import { act, type ReactNode } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { enterKiosk, leaveKiosk, useRoute, useSearch } from './navigation.ts';

let root: Root;
let box: HTMLElement;

function Shown(): ReactNode {
  const route = useRoute();
  return `${JSON.stringify(route)} ${useSearch()}`;
}

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  window.history.replaceState(null, '', '/wall/?userId=ana#/d/ops');
  box = document.createElement('div');
  root = createRoot(box);
  act(() => root.render(<Shown />));
});

afterEach(() => {
  act(() => root.unmount());
  vi.unstubAllGlobals();
});

test('a kiosk is an address: it keeps who one is and what is shown, and leaves by going on', () => {
  act(() => enterKiosk());
  expect(box.textContent).toBe('{"page":"dashboard","id":"ops"} ?userId=ana&kiosk');
  expect(window.location.pathname).toBe('/wall/');
  act(() => leaveKiosk());
  expect(box.textContent).toBe('{"page":"dashboard","id":"ops"} ?userId=ana');
});

test('another hash is another page', () => {
  act(() => {
    window.history.replaceState(null, '', '#/');
    window.dispatchEvent(new Event('hashchange'));
  });
  expect(box.textContent).toBe('{"page":"dashboards"} ?userId=ana');
});
