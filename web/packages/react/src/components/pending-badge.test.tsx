import { DashwireError } from '@dashwire/client';
import { act, cleanup, fireEvent, render, screen, within } from '@testing-library/react';
import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { expectAccessible } from '../../test/axe.ts';
import { pendingOperation, Scene } from '../../test/scene.ts';
import { DashboardRealtimeProvider } from '../provider.tsx';
import type { Texts } from '../texts.ts';
import { PendingOperationsBadge } from './pending-badge.tsx';

let scene: Scene;
beforeEach(() => {
  scene = new Scene();
  vi.useFakeTimers();
});
afterEach(() => {
  cleanup();
  vi.useRealTimers();
  vi.restoreAllMocks();
  vi.unstubAllGlobals();
});

const refused = () =>
  pendingOperation({
    id: 'op2',
    state: 'rejected',
    label: 'Move Disk',
    error: new DashwireError('FORBIDDEN', 'You may only read this dashboard.'),
  });

function show(texts?: Partial<Texts>) {
  const shown = render(
    <DashboardRealtimeProvider client={scene.client} texts={texts}>
      <PendingOperationsBadge />
    </DashboardRealtimeProvider>,
  );
  act(() => vi.advanceTimersByTime(0));
  return shown;
}

function open() {
  fireEvent.click(screen.getByRole('button', { expanded: false }));
  return screen.getByRole('region', { name: 'Changes not saved yet' });
}

test('nothing is shown while all is saved, nor for a change that is saved soon', () => {
  const { container } = show();
  expect(container.innerHTML).toBe('');
  act(() => scene.pending.set([pendingOperation({ createdAt: Date.now() })]));
  act(() => vi.advanceTimersByTime(399));
  expect(container.innerHTML).toBe('');
  act(() => scene.pending.set([pendingOperation({ id: 'next', createdAt: Date.now() })]));
  act(() => vi.advanceTimersByTime(399));
  expect(container.innerHTML).toBe('');
  act(() => vi.advanceTimersByTime(1));
  expect(screen.getByRole('button').textContent).toContain('1 change not saved yet, 0 s');
});

test('the badge counts changes and tells the age of the oldest', () => {
  scene.pending.set([pendingOperation({ createdAt: Date.now() - 61_000 }), refused()]);
  show();
  const button = screen.getByRole('button', { name: '2 changes not saved yet, 1 min' });
  expect(button.textContent).toContain('2 · 1 min');
  expect(button.getAttribute('aria-expanded')).toBe('false');
  act(() => vi.advanceTimersByTime(60_000));
  expect(button.textContent).toContain('2 · 2 min');
});

test('the list says each change in words, its age, its state and why', async () => {
  scene.pending.set([pendingOperation(), refused()]);
  const { container } = show();
  const region = open();
  const items = within(region).getAllByRole('listitem');
  expect(items[0]?.textContent).toContain('Rename CPU to Mine12 s · waiting to be sent');
  expect(items[1]?.textContent).toContain('Move Disk12 s · refusedYou may only read this dashboard.');
  expect(screen.getByRole('button', { expanded: true }).getAttribute('aria-controls')).toBe(region.id);
  vi.useRealTimers();
  await expectAccessible(container);
});

test('a line on top says whether they are safe on this device', () => {
  scene.pending.set([pendingOperation()]);
  show();
  const region = open();
  expect(region.textContent).toContain('They are kept on this device until they are saved.');
  act(() => scene.pending.set([pendingOperation(), pendingOperation({ id: 'op2', persisted: false })]));
  expect(region.textContent).toContain('They are not kept on this device: closing this page loses them.');
});

test('a refused change can be sent again', () => {
  scene.pending.set([pendingOperation(), refused()]);
  show();
  const retry = within(open()).getByRole('button', { name: 'Retry', description: 'Move Disk' });
  fireEvent.click(retry);
  expect(scene.calls).toEqual([['retry', 'op2']]);
});

test('dropping asks once more, and says so if it is too late', () => {
  scene.pending.set([pendingOperation()]);
  show();
  const region = open();
  const drop = within(region).getByRole('button', { name: 'Drop' });
  fireEvent.click(drop);
  expect(drop.textContent).toBe('Drop for good?');
  fireEvent.blur(drop);
  expect(drop.textContent).toBe('Drop');
  expect(scene.calls).toEqual([]);

  scene.discards = false;
  fireEvent.click(drop);
  fireEvent.click(drop);
  expect(scene.calls).toEqual([['discard', 'op1']]);
  expect(within(region).getByRole('status').textContent).toBe('This may be saved already: it cannot be dropped now.');

  scene.discards = true;
  fireEvent.click(drop);
  fireEvent.click(drop);
  expect(within(region).queryByRole('listitem')).toBeNull();
  expect(region.textContent).toContain('Everything is saved.');
});

test('what the server may have already cannot be dropped', () => {
  scene.pending.set([pendingOperation({ state: 'in-doubt' })]);
  show();
  expect(within(open()).queryByRole('button', { name: 'Drop' })).toBeNull();
});

test('a change is copied as JSON, and a clipboard that is closed is told', async () => {
  vi.useRealTimers();
  const writeText = vi.fn<(text: string) => Promise<void>>().mockResolvedValue();
  vi.spyOn(navigator, 'clipboard', 'get').mockReturnValue({ writeText } as Partial<Clipboard> as Clipboard);
  scene.pending.set([refused()]);
  render(
    <DashboardRealtimeProvider client={scene.client}>
      <PendingOperationsBadge />
    </DashboardRealtimeProvider>,
  );
  fireEvent.click(await screen.findByRole('button', { expanded: false }));
  fireEvent.click(screen.getByRole('button', { name: 'Copy as JSON' }));
  expect(await screen.findByText('Copied.')).toBeTruthy();
  expect(JSON.parse(writeText.mock.calls[0]?.[0] ?? '')).toMatchObject({
    id: 'op2',
    dashboardId: 'd1',
    state: 'rejected',
    error: { code: 'FORBIDDEN' },
    operation: { widgetId: 'cpu', set: { '/title': 'Mine' } },
  });
  writeText.mockRejectedValue(new Error('not allowed'));
  fireEvent.click(screen.getByRole('button', { name: 'Copy as JSON' }));
  expect(await screen.findByText('The clipboard cannot be used here: export instead.')).toBeTruthy();
});

test('all changes are exported as a file', async () => {
  const files: Blob[] = [];
  vi.spyOn(URL, 'createObjectURL').mockImplementation((blob) => `blob:${files.push(blob as Blob)}`);
  const clicked: string[] = [];
  vi.spyOn(HTMLAnchorElement.prototype, 'click').mockImplementation(function (this: HTMLAnchorElement) {
    clicked.push(this.download);
  });
  scene.pending.set([pendingOperation(), refused()]);
  show();
  fireEvent.click(within(open()).getByRole('button', { name: 'Export all' }));
  expect(clicked).toEqual(['changes.json']);
  vi.useRealTimers();
  expect(JSON.parse((await files[0]?.text()) ?? '').map((one: { id: string }) => one.id)).toEqual(['op1', 'op2']);
});

test('Escape, "Close" and a press outside close the list; the focus goes back', () => {
  scene.pending.set([pendingOperation()]);
  show();
  const badge = screen.getByRole('button');
  fireEvent.keyDown(open(), { key: 'Escape' });
  expect(screen.queryByRole('region')).toBeNull();
  expect(document.activeElement).toBe(badge);
  open();
  fireEvent.click(screen.getByRole('button', { name: 'Close' }));
  expect(screen.queryByRole('region')).toBeNull();
  const region = open();
  fireEvent.pointerDown(region);
  expect(screen.getByRole('region')).toBe(region);
  fireEvent.pointerDown(document.body);
  expect(screen.queryByRole('region')).toBeNull();
});

test('an open list stays when all is saved, and goes when it is closed', () => {
  scene.pending.set([pendingOperation()]);
  const { container } = show();
  const region = open();
  act(() => scene.pending.set([]));
  expect(region.textContent).toContain('Everything is saved.');
  fireEvent.click(screen.getByRole('button', { name: 'Close' }));
  expect(container.innerHTML).toBe('');
});

test('words are replaced; words of others are text', () => {
  scene.pending.set([pendingOperation({ label: '<img src=x onerror=alert(1)>' })]);
  const { container } = show({ operationState: () => 'wartet', drop: 'Verwerfen' });
  open();
  expect(screen.getByRole('listitem').textContent).toContain('<img src=x onerror=alert(1)>12 s · wartet');
  expect(screen.getByRole('button', { name: 'Verwerfen' })).toBeTruthy();
  expect(container.querySelector('img')).toBeNull();
});

test('an app may open the list from elsewhere: its button has the focus then, and Escape says that it is closed', () => {
  const onOpenChange = vi.fn();
  scene.pending.set([refused()]);
  const badge = (shown: boolean) => (
    <DashboardRealtimeProvider client={scene.client}>
      <PendingOperationsBadge open={shown} onOpenChange={onOpenChange} />
    </DashboardRealtimeProvider>
  );
  const { rerender } = render(badge(false));
  act(() => vi.advanceTimersByTime(400));
  expect(screen.queryByRole('region')).toBeNull();
  rerender(badge(true));
  expect(screen.getByRole('region', { name: 'Changes not saved yet' })).toBeTruthy();
  expect(document.activeElement).toBe(screen.getByRole('button', { expanded: true }));
  fireEvent.keyDown(document.activeElement ?? document.body, { key: 'Escape' });
  expect(onOpenChange).toHaveBeenLastCalledWith(false);
});
