import { type Dashboard, type DashwireClient, type JsonObject, type Patch, Store } from '@dashwire/client';
import { DashboardRealtimeProvider } from '@dashwire/react';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { DashboardTitle } from './title.tsx';

let root: Root;
let page: HTMLElement;
let sent: Patch[];
let settings: Store<JsonObject>;

beforeEach(async () => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  page = document.body.appendChild(document.createElement('div'));
  root = createRoot(page);
  sent = [];
  settings = new Store<JsonObject>({ title: 'Ops' });
  const gesture = () => {
    const patches: Patch[] = [];
    return {
      updateSettings: (patch: Patch) => patches.push(patch),
      commit: () => sent.push(...patches),
      cancel() {},
    };
  };
  const dashboard = { id: 'ops', settings, gesture, setPresence() {}, close() {} } as unknown as Dashboard;
  const client = { dashboard: () => dashboard } as unknown as DashwireClient;
  await act(async () =>
    root.render(
      <DashboardRealtimeProvider client={client} dashboardId="ops" unsavedGuard={false}>
        <DashboardTitle readOnly={false} />
      </DashboardRealtimeProvider>,
    ),
  );
});
afterEach(() => {
  act(() => root.unmount());
  page.remove();
  vi.unstubAllGlobals();
});

const field = () => page.querySelector('input') as HTMLInputElement;

function type(text: string): void {
  act(() => field().focus());
  act(() => {
    Object.getOwnPropertyDescriptor(Object.getPrototypeOf(field()), 'value')?.set?.call(field(), text);
    field().dispatchEvent(new Event('input', { bubbles: true }));
  });
}

test('what was typed is sent when the field is left, and when the page is', () => {
  type('Operations');
  act(() => field().blur());
  expect(sent).toEqual([{ set: { '/title': 'Operations' } }]);
  type('Typed and left');
  act(() => root.unmount());
  expect(sent.at(-1)).toEqual({ set: { '/title': 'Typed and left' } });
  root = createRoot(page);
});

test('what was typed is sent when the page goes out of sight', () => {
  type('Operations');
  const visibility = vi.spyOn(document, 'visibilityState', 'get').mockReturnValue('hidden');
  act(() => void document.dispatchEvent(new Event('visibilitychange')));
  visibility.mockRestore();
  expect(sent).toEqual([{ set: { '/title': 'Operations' } }]);
  type('Operations of all');
  act(() => field().blur());
  expect(sent.at(-1)).toEqual({ set: { '/title': 'Operations of all' } });
});

test('who only looks into the field takes back nobody’s new name', () => {
  act(() => field().focus());
  act(() => settings.set({ title: 'Named by Bo' }));
  act(() => field().blur());
  expect(sent).toEqual([]);
  expect(field().value).toBe('Named by Bo');
});
