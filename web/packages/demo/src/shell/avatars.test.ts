import { type Presence, Store } from '@dashwire/client';
import { expect, test } from 'vitest';
import { whereabouts } from './avatars.tsx';

const dashboard = { widget: (id: string) => new Store(id === 'cpu' ? { title: 'CPU' } : undefined) };
const at = (state: Presence['state']): Presence => ({ sessionId: 's', clientId: 'c', userId: 'ana', state });

test.each([
  [{ widgetId: 'cpu', mode: 'edit' }, ', editing CPU'],
  [{ widgetId: 'cpu', mode: 'drag' }, ', moving CPU'],
  [{ widgetId: 'cpu' }, ', at CPU'],
  [{ widgetId: 'cpu', mode: 'toString' }, ', at CPU'],
  [{ widgetId: 'gone', mode: 'edit' }, ''],
  [{}, ''],
  [null, ''],
])('%j is “Ana%s”', (state, words) => {
  expect(whereabouts(dashboard, at(state))).toBe(words);
});
