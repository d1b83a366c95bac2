import { type DashboardState, type DashwireClient, Store } from '@dashwire/client';
import { DashboardRealtimeProvider } from '@dashwire/react';
import { act } from 'react';
import { createRoot, type Root } from 'react-dom/client';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { Empty } from './states.tsx';

let root: Root;
let page: HTMLElement;

beforeEach(() => {
  vi.stubGlobal('IS_REACT_ACT_ENVIRONMENT', true);
  page = document.body.appendChild(document.createElement('div'));
  root = createRoot(page);
});
afterEach(() => {
  act(() => root.unmount());
  page.remove();
  vi.unstubAllGlobals();
});

/** As much of a client as an empty dashboard asks for. `deleted`: what the server could bring back. */
function clientOf(version: number, deleted: readonly string[]) {
  const list = vi.fn(async () => ({ dashboards: deleted.map((id) => ({ id })), cursor: null }));
  const dashboard = { id: 'ops', state: new Store({ version } as DashboardState), setPresence() {}, close() {} };
  const client = { dashboards: { list }, dashboard: () => dashboard };
  return { list, client: client as unknown as DashwireClient };
}

async function show(client: DashwireClient, readOnly = false): Promise<string> {
  await act(async () => {
    root.render(
      <DashboardRealtimeProvider client={client} dashboardId="ops" unsavedGuard={false}>
        <Empty readOnly={readOnly} onAdd={() => {}} />
      </DashboardRealtimeProvider>,
    );
  });
  return page.querySelector('h2')?.textContent ?? '';
}

test('R9: nothing where something was deleted can be brought back', async () => {
  expect(await show(clientOf(0, ['ops-2', 'ops']).client)).toBe('This dashboard was deleted');
  expect(page.querySelector('button')?.textContent).toBe('Bring it back');
});

test('nothing where nothing was says how to begin', async () => {
  expect(await show(clientOf(0, ['ops-2']).client)).toBe('Nothing here yet');
});

test('what was emptied tile by tile was not deleted', async () => {
  const { client, list } = clientOf(7, ['ops']);
  expect(await show(client)).toBe('Nothing here yet');
  expect(list).not.toHaveBeenCalled();
});
