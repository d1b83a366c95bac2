import { type Dashboard, type Rectangle, Store, type UndoState, type Widget } from '@dashwire/client';
import { beforeEach, expect, test, vi } from 'vitest';
import { announcement } from '../announce.ts';
import { duplicateWidget, pinWidget, removeWidget } from './edits.ts';
import { dismiss, toasts } from './toasts.ts';

const place: Rectangle = { x: 4, y: 2, w: 6, h: 8, static: false };
const undoState = new Store<UndoState>({ canUndo: false, canRedo: false, undoLabel: null, redoLabel: null });
const undo = vi.fn(async () => null);
const batch = vi.fn();
const move = vi.fn();
const createWidget = vi.fn(() => ({ widgetId: 'new' }));
const deleteWidget = vi.fn((_: string, { label }: { label: string }) => {
  undoState.set({ canUndo: true, canRedo: false, undoLabel: label, redoLabel: null });
});
const widgets: Readonly<Record<string, Widget>> = {
  cpu: { type: 'stat', title: 'CPU', config: { unit: '%' } },
  bare: {},
};
const dashboard = {
  widget: (id: string) => new Store(widgets[id]),
  layout: () =>
    new Store({ columns: 24, compact: 'vertical', items: { cpu: place, fixed: { ...place, static: true } } }),
  undoState,
  undo,
  batch,
  createWidget,
  deleteWidget,
  move,
} as unknown as Dashboard;

beforeEach(() => {
  vi.clearAllMocks();
  for (const { id } of toasts.getSnapshot()) dismiss(id);
});

const last = () => toasts.getSnapshot().at(-1);

test('a delete offers to take it back, by the undo of the page', () => {
  removeWidget(dashboard, 'cpu');
  expect(deleteWidget).toHaveBeenCalledExactlyOnceWith('cpu', { label: 'Delete CPU' });
  expect(last()?.text).toBe('Deleted CPU.');
  last()?.action?.run();
  expect(undo).toHaveBeenCalledOnce();
  expect(batch).not.toHaveBeenCalled();
});

test('M9: after another edit it is the server that brings it back', () => {
  removeWidget(dashboard, 'cpu');
  undoState.set({ ...undoState.getSnapshot(), undoLabel: 'Move Disk' });
  last()?.action?.run();
  expect(undo).not.toHaveBeenCalled();
  expect(batch).toHaveBeenCalledExactlyOnceWith([{ type: 'WIDGET_UPDATE', widgetId: 'cpu', restore: true }], {
    label: 'Bring back CPU',
  });
});

test('what is gone already is not deleted again', () => {
  removeWidget(dashboard, 'gone');
  expect(deleteWidget).not.toHaveBeenCalled();
  expect(last()).toBeUndefined();
});

test('a copy stands below, as large, with all that the widget has', () => {
  expect(duplicateWidget(dashboard, 'cpu')).toBe('new');
  expect(createWidget).toHaveBeenCalledExactlyOnceWith(
    { type: 'stat', title: 'CPU copy', config: { unit: '%' } },
    { layout: { x: 4, y: 10, w: 6, h: 8 }, label: 'Duplicate CPU' },
  );
});

test('a widget without a title and a place has a copy too', () => {
  duplicateWidget(dashboard, 'bare');
  expect(createWidget).toHaveBeenCalledExactlyOnceWith(
    { title: 'bare copy' },
    { layout: undefined, label: 'Duplicate bare' },
  );
  expect(duplicateWidget(dashboard, 'gone')).toBeUndefined();
});

test('a pin is an edit of that alone, and is said', () => {
  pinWidget(dashboard, 'cpu');
  expect(move).toHaveBeenLastCalledWith({ cpu: { static: true } }, { label: 'Pin CPU' });
  expect(announcement.getSnapshot().text).toContain('CPU is pinned');
  pinWidget(dashboard, 'fixed');
  expect(move).toHaveBeenLastCalledWith({ fixed: { static: false } }, { label: 'Unpin fixed' });
  pinWidget(dashboard, 'gone');
  expect(move).toHaveBeenCalledTimes(2);
});
