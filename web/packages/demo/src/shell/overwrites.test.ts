import { type Dashboard, type DashwireClient, type Entry, Store, type Widget } from '@dashwire/client';
import { beforeEach, expect, test, vi } from 'vitest';
import { tellOverwrites } from './overwrites.ts';
import { dismiss, toasts } from './toasts.ts';

const me = { clientId: 'c1', userId: 'ana' };
const bo = { clientId: 'c2', userId: 'bo' };
const updateWidget = vi.fn();
const updateSettings = vi.fn();
const dashboard = {
  id: 'ops',
  presence: new Store([]),
  widget: (id: string) => new Store<Widget | undefined>(id === 'cpu' ? { title: 'CPU' } : undefined),
  updateWidget,
  updateSettings,
} as unknown as Dashboard;
let hear: (entry: Entry) => void;
const client = {
  connection: new Store(me),
  on: (_: 'entry', listener: (entry: Entry) => void) => {
    hear = listener;
    return () => {};
  },
} as unknown as DashwireClient;

const entry = (author: object, ...overwrote: object[]) =>
  ({ dashboardId: 'ops', author, overwrote }) as unknown as Entry;
const last = () => toasts.getSnapshot().at(-1);

beforeEach(() => {
  vi.clearAllMocks();
  for (const { id } of toasts.getSnapshot()) dismiss(id);
  tellOverwrites(client, dashboard);
});

test('M6: what somebody replaced is said, and can be put back', () => {
  hear(entry(bo, { widgetId: 'cpu', path: '/title', author: me, version: 4, value: 'Mine' }));
  expect(last()?.text).toBe('bo changed CPU at the same moment as you: theirs is shown.');
  last()?.action?.run();
  expect(updateWidget).toHaveBeenCalledExactlyOnceWith(
    'cpu',
    { set: { '/title': 'Mine' } },
    { label: 'Put back my change of CPU' },
  );
  hear(entry(bo, { path: '/title', author: me, version: 5, value: 'Ops' }));
  last()?.action?.run();
  expect(updateSettings).toHaveBeenCalledExactlyOnceWith(
    { set: { '/title': 'Ops' } },
    { label: 'Put back my change of this dashboard' },
  );
});

test('a value that is not told cannot be put back from here', () => {
  hear(entry(bo, { widgetId: 'cpu', path: '/config', author: me, version: 4, omitted: true }));
  expect(last()).toMatchObject({ text: expect.stringContaining('CPU'), action: undefined });
});

test('what others replaced of others, or oneself of others, is not said, nor of a widget that is gone', () => {
  hear(entry(bo, { widgetId: 'cpu', path: '/title', author: { clientId: 'c3', userId: 'cy' }, version: 4, value: 1 }));
  hear(entry(me, { widgetId: 'cpu', path: '/title', author: bo, version: 4, value: 1 }));
  hear(entry(bo, { widgetId: 'gone', path: '/title', author: me, version: 4, value: 1 }));
  hear(entry(bo));
  expect(last()).toBeUndefined();
});
