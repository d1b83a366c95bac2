import type { Conflict, Locked } from '@dashwire/client';
import { act, cleanup, fireEvent, render, screen } from '@testing-library/react';
import type { ReactNode } from 'react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../test/axe.ts';
import { Scene } from '../../test/scene.ts';
import { useLocks } from '../hooks/useLocks.ts';
import { DashboardRealtimeProvider } from '../provider.tsx';
import { ConflictField } from './conflict-field.tsx';
import { LockedField } from './locked-field.tsx';

const sealed = 'eyJ0eXAiOiJkYXNod2lyZS1maWVsZC0xIn0..a.b.c';
const lock = (why: Locked['$locked']) => ({ $locked: why, kid: 'k1', sealed }) as const;

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(cleanup);

const within = (children: ReactNode) => (
  <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
    {children}
  </DashboardRealtimeProvider>
);

function Locks(): ReactNode {
  const all = [...useLocks('w'), ...useLocks()];
  return <output>{all.map(({ path, locked }) => `${path} ${locked.$locked}`).join(', ')}</output>;
}

test.each([
  ['opening', 'Opening…', 'ring'],
  ['missing', 'Encrypted, and its key is not here', 'lock'],
  ['damaged', 'Encrypted, and does not open with its key', 'lock'],
  ['moved', 'Encrypted for another place, and copied here', 'lock'],
  ['newer', 'Encrypted by a newer version: reload to update', 'lock'],
] as const)('%s says "%s" with a shape, and nothing of what is encrypted', async (why, words, shape) => {
  const { container } = render(within(<LockedField locked={lock(why)} />));
  expect(container.textContent).toBe(words);
  expect(container.querySelector('svg')?.getAttribute('data-dw-shape')).toBe(shape);
  await expectAccessible(container);
});

test('a key can be brought where that helps', () => {
  const unlock = vi.fn();
  const { rerender } = render(within(<LockedField locked={lock('missing')} onUnlock={unlock} />));
  fireEvent.click(screen.getByRole('button', { name: 'Unlock' }));
  expect(unlock).toHaveBeenCalledOnce();
  rerender(within(<LockedField locked={lock('damaged')} onUnlock={unlock} />));
  expect(screen.queryByRole('button')).toBeNull();
});

test('useLocks finds the locked fields of a widget and of the settings, and draws again when one is opened', () => {
  const stage = scene.stage('d1');
  stage.widget('w').set({ title: 'W', config: { query: lock('missing'), 'a/b': { deep: lock('moved') }, list: [1] } });
  stage.settings.set({ runbook: lock('opening') });
  const { container } = render(within(<Locks />));
  expect(container.textContent).toBe('/config/query missing, /config/a~1b/deep moved, /runbook opening');
  act(() => {
    stage.widget('w').set({ title: 'W', config: { query: 'select 1' } });
    stage.settings.set({});
  });
  expect(container.textContent).toBe('');
});

test('a value of a conflict that is locked says so', () => {
  const theirsBy = { userId: 'bo', clientId: 'b' };
  const field = { path: '/config/query', mine: 'mine', theirs: lock('missing'), theirsBy, theirsVersion: 0 };
  const { container } = render(
    within(<ConflictField conflict={{ dashboardId: 'd1' } as Conflict} field={field} choose={() => {}} />),
  );
  expect(container.textContent).toContain('Encrypted, and its key is not here');
  expect(container.textContent).not.toContain('eyJ');
});
