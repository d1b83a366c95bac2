import { act, cleanup, fireEvent, render, screen, waitFor, within } from '@testing-library/react';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../test/axe.ts';
import { conflict, person, Scene } from '../../test/scene.ts';
import { DashboardRealtimeProvider } from '../provider.tsx';
import { ConflictBadge, type ConflictBadgeProps } from './conflict-badge.tsx';
import { ConflictResolutionUI, type ConflictResolutionUIProps } from './conflict-resolution.tsx';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
});
afterEach(cleanup);

const title = conflict().fields[0];
if (title === undefined) throw new Error('the conflict of the scene has no field');
const twoFields = () =>
  conflict({
    fields: [title, { ...title, path: '/config/limit', base: undefined, mine: 80, theirs: 90, theirsVersion: 8 }],
  });

function show(props: ConflictResolutionUIProps = { variant: 'inline' }) {
  return render(
    <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
      <ConflictResolutionUI {...props} />
    </DashboardRealtimeProvider>,
  );
}

function badge(props: ConflictBadgeProps = {}) {
  return render(
    <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
      <ConflictBadge {...props} />
    </DashboardRealtimeProvider>,
  );
}

describe('a field that two changed (M6)', () => {
  test('shows was, yours and theirs with who and which version', async () => {
    scene.conflicts.set([conflict()]);
    scene.stage('d1').presence.set([person('S2', { name: 'Ana Lund' }, 'ana')]);
    const { container } = show();
    const group = screen.getByRole('group', { name: 'title' });
    const cells = [...group.querySelectorAll('.dw-columns > .dw-choice')].map((cell) => cell.textContent);
    expect(cells).toEqual(['Was1CPU', 'Yours2Mine', 'Theirs3Ana Lund, version 7Theirs']);
    expect(screen.getByRole('heading', { name: 'Rename CPU to Mine' })).toBeTruthy();
    expect(container.textContent).toContain('yours is kept until you decide');
    await expectAccessible(container);
  });

  test('says when, once the history has told', async () => {
    scene.conflicts.set([conflict()]);
    const stage = scene.stage('d1');
    const handle = stage.handle.bind(stage);
    stage.handle = () =>
      Object.assign(handle(), {
        history: async ({ before, limit }: { before: number; limit: number }) => ({
          entries: before === 8 && limit === 1 ? [{ version: 7, timestamp: '2026-11-22T18:00:04.000Z' }] : [],
          before: null,
        }),
      });
    show();
    const time = new Date('2026-11-22T18:00:04Z').toLocaleString(undefined, {
      dateStyle: 'medium',
      timeStyle: 'short',
    });
    expect(await screen.findByText(`ana, ${time}`)).toBeTruthy();
  });

  test.each([
    ['1', { '/title': { value: 'CPU' } }],
    ['2', { '/title': 'mine' }],
    ['3', { '/title': 'theirs' }],
  ] as const)('key %s chooses', (key, choice) => {
    scene.conflicts.set([conflict()]);
    show();
    const decide = screen.getByRole<HTMLButtonElement>('button', { name: 'Use what I chose' });
    expect(decide.disabled).toBe(true);
    fireEvent.keyDown(screen.getAllByRole('radio')[0] ?? decide, { key });
    expect(screen.getAllByRole<HTMLInputElement>('radio')[Number(key) - 1]?.checked).toBe(true);
    fireEvent.click(decide);
    expect(scene.calls).toEqual([['resolve', 'c1', choice]]);
  });

  test('a click chooses, each field by itself; what was not there cannot be chosen', () => {
    scene.conflicts.set([twoFields()]);
    show();
    const [first, second] = screen.getAllByRole('group');
    if (first === undefined || second === undefined) throw new Error('two fields are to be shown');
    expect(within(second).getByRole<HTMLInputElement>('radio', { name: /^Was/ }).disabled).toBe(true);
    expect(second.textContent).toContain('Was1(nothing)');
    fireEvent.keyDown(second, { key: '1' });
    const decide = screen.getByRole<HTMLButtonElement>('button', { name: 'Use what I chose' });
    fireEvent.click(within(first).getByRole('radio', { name: /^Theirs/ }));
    expect(decide.disabled).toBe(true);
    fireEvent.click(within(second).getByRole('radio', { name: /^Yours/ }));
    fireEvent.click(decide);
    expect(scene.calls).toEqual([['resolve', 'c1', { '/title': 'theirs', '/config/limit': 'mine' }]]);
  });

  test('another value can be typed; digits typed there choose nothing', () => {
    scene.conflicts.set([twoFields()]);
    show();
    const [text, number] = screen.getAllByRole<HTMLTextAreaElement>('textbox', { name: 'Another value' });
    if (text === undefined || number === undefined) throw new Error('both fields can be typed');
    expect([text.value, number.value]).toEqual(['Mine', '80']);
    fireEvent.change(text, { target: { value: 'Both' } });
    fireEvent.keyDown(text, { key: '3' });
    const decide = screen.getByRole<HTMLButtonElement>('button', { name: 'Use what I chose' });
    fireEvent.change(number, { target: { value: '8x' } });
    expect(number.getAttribute('aria-invalid')).toBe('true');
    expect(decide.disabled).toBe(true);
    fireEvent.change(number, { target: { value: '85' } });
    fireEvent.click(decide);
    expect(scene.calls).toEqual([['resolve', 'c1', { '/title': { value: 'Both' }, '/config/limit': { value: 85 } }]]);
  });

  test('paths are read out as words; who is unknown is not made up', () => {
    const unknown = { userId: null, clientId: null };
    scene.conflicts.set([
      conflict({
        fields: [
          { ...title, path: '/config/a~1b~0c', theirsBy: unknown },
          { ...title, path: '', theirsBy: unknown, theirsVersion: 0 },
        ],
      }),
    ]);
    show();
    expect(screen.getByRole('group', { name: 'config › a/b~c' }).textContent).toContain(
      'Theirs3Somebody, version 7Theirs',
    );
    expect(screen.getByRole('group', { name: 'The whole widget' }).textContent).toContain('Theirs3TheirsAnother');
  });

  test('what one did oneself elsewhere says so', () => {
    scene.conflicts.set([conflict({ fields: [{ ...title, theirsBy: { userId: 'me', clientId: 'C9' } }] })]);
    show();
    expect(screen.getByRole('group').textContent).toContain('You, elsewhere, version 7');
  });

  test('all mine, all theirs', () => {
    scene.conflicts.set([conflict(), conflict({ id: 'c2' })]);
    show();
    fireEvent.click(screen.getAllByRole('button', { name: 'All mine' })[0] ?? document.body);
    fireEvent.click(screen.getByRole('button', { name: 'All theirs' }));
    expect(scene.calls).toEqual([
      ['resolve', 'c1', 'mine'],
      ['resolve', 'c2', 'theirs'],
    ]);
  });

  test('values are drawn by the app if it wants to, and are text if not', () => {
    scene.conflicts.set([conflict({ fields: [{ ...title, mine: '<b>x</b>', theirs: { a: [1] } }] })]);
    const { container, unmount } = show();
    expect(container.querySelector('b')).toBeNull();
    expect(container.textContent).toContain('<b>x</b>');
    expect(container.textContent).toContain('"a": [');
    unmount();
    show({
      variant: 'inline',
      renderValue: (value, { path, side }) => <i data-testid={side}>{`${path}=${JSON.stringify(value)}`}</i>,
    });
    expect(screen.getByTestId('was').textContent).toBe('/title="CPU"');
    expect(screen.getByTestId('yours').textContent).toBe('/title="<b>x</b>"');
  });
});

test.each([
  ['deleted', 'This was deleted while you changed it.', 'Bring it back with my change', 'Leave it deleted'],
  ['changed', 'This was changed while you deleted it.', 'Delete it anyway', 'Keep it'],
] as const)('a widget that was %s (M10)', async (kind, words, mine, theirs) => {
  scene.conflicts.set([conflict({ kind }), conflict({ id: 'c2', kind, fields: [] })]);
  const { container } = show();
  expect(container.textContent).toContain(words);
  expect(screen.queryByRole('radio')).toBeNull();
  await expectAccessible(container);
  fireEvent.click(screen.getAllByRole('button', { name: mine })[0] ?? container);
  fireEvent.click(screen.getByRole('button', { name: theirs }));
  expect(scene.calls).toEqual([
    ['resolve', 'c1', 'mine'],
    ['resolve', 'c2', 'theirs'],
  ]);
});

describe('in a dialog', () => {
  test('never opens by itself', () => {
    badge();
    act(() => scene.conflicts.set([conflict(), conflict({ id: 'c2', widgetId: 'disk' })]));
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(screen.getByRole('button', { name: 'Needs your decision (2)' }).getAttribute('aria-haspopup')).toBe(
      'dialog',
    );
  });

  test.each(['dialog', 'drawer'] as const)('opens as a modal %s when asked, and Escape is "later"', async (variant) => {
    const modal = vi.spyOn(HTMLDialogElement.prototype, 'showModal');
    scene.conflicts.set([conflict()]);
    const outside = vi.fn();
    const { container } = render(
      // biome-ignore lint/a11y/noStaticElementInteractions: stands for the shortcuts of an app
      <div onKeyDown={outside}>
        <DashboardRealtimeProvider client={scene.client} dashboardId="d1">
          <ConflictBadge variant={variant} />
        </DashboardRealtimeProvider>
      </div>,
    );
    fireEvent.click(screen.getByRole('button'));
    const dialog = screen.getByRole('dialog', { name: 'Needs your decision' });
    expect(modal).toHaveBeenCalledOnce();
    expect(dialog.hasAttribute('open')).toBe(true);
    await expectAccessible(container);
    fireEvent.keyDown(within(dialog).getAllByRole('radio')[0] ?? dialog, { key: '2' });
    fireEvent.keyDown(dialog, { key: 'Escape' });
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(outside).not.toHaveBeenCalled();
    expect(scene.calls).toEqual([]);

    fireEvent.click(screen.getByRole('button'));
    fireEvent(screen.getByRole('dialog'), new Event('cancel', { cancelable: true }));
    expect(screen.queryByRole('dialog')).toBeNull();
    fireEvent.click(screen.getByRole('button'));
    fireEvent.click(screen.getByRole('button', { name: 'Later' }));
    expect(screen.queryByRole('dialog')).toBeNull();
    modal.mockRestore();
  });

  test('closes with the last decision, and the next conflict does not open it', async () => {
    scene.conflicts.set([conflict()]);
    badge();
    fireEvent.click(screen.getByRole('button'));
    fireEvent.click(screen.getByRole('button', { name: 'All mine' }));
    await waitFor(() => expect(screen.queryByRole('button')).toBeNull());
    act(() => scene.conflicts.set([conflict({ id: 'c2' })]));
    expect(screen.queryByRole('dialog')).toBeNull();
    expect(screen.getByRole('button', { name: 'Needs your decision (1)' })).toBeTruthy();
  });

  test('one widget has only its own; an app may open its own view', () => {
    scene.conflicts.set([conflict(), conflict({ id: 'c2', widgetId: 'disk' })]);
    const onOpen = vi.fn();
    badge({ widgetId: 'disk', compact: true, onOpen });
    const button = screen.getByRole('button', { name: 'Needs your decision (1)' });
    expect(button.title).toBe('Needs your decision (1)');
    fireEvent.click(button);
    expect(onOpen).toHaveBeenCalledOnce();
    expect(screen.queryByRole('dialog')).toBeNull();
  });
});
