import { describe, expect, test } from 'vitest';
import { lanesOf, mergeOps, withPrev } from './coalesce.ts';
import type { DashboardDocument } from './document.ts';
import type { BatchedOp, Op } from './operation.ts';

const update = (more: object): BatchedOp => ({ type: 'WIDGET_UPDATE', widgetId: 'w', ...more });
const move = (more: object): BatchedOp => ({ type: 'LAYOUT_UPDATE', ...more });

describe('two edits become one', () => {
  const cases: { name: string; first: BatchedOp; second: BatchedOp; merged: BatchedOp | undefined }[] = [
    {
      name: 'the base and what was seen first stay, the later value wins',
      first: update({ baseVersion: 3, epoch: 'e', set: { '/a': 1 }, prev: { '/a': 0 } }),
      second: update({ baseVersion: 5, epoch: 'e', set: { '/a': 2, '/b': 3 }, prev: { '/a': 1, '/b': 2 } }),
      merged: update({ baseVersion: 3, epoch: 'e', set: { '/a': 2, '/b': 3 }, prev: { '/a': 0, '/b': 2 } }),
    },
    {
      name: 'a value that was absent is not taken for seen',
      first: update({ set: { '/a': 1 } }),
      second: update({ set: { '/a': 2 }, prev: { '/a': 1 } }),
      merged: update({ set: { '/a': 2 } }),
    },
    {
      name: 'a member goes into the object that was set',
      first: update({ set: { '/c': { x: 1 } } }),
      second: update({ set: { '/c/y': 2 }, unset: ['/c/x'] }),
      merged: update({ set: { '/c': { y: 2 } } }),
    },
    {
      name: 'an object takes the place of its members',
      first: update({ set: { '/c/y': 2 }, prev: { '/c/y': 1 } }),
      second: update({ unset: ['/c'], prev: { '/c': { y: 2 } } }),
      merged: update({ unset: ['/c'], prev: { '/c': { y: 2 } } }),
    },
    {
      name: 'an edit goes into the creation, which has seen nothing',
      first: update({ create: true, set: { '/title': 'a' }, layout: { x: 1 } }),
      second: update({ set: { '/title': 'b' }, prev: { '/title': 'a' } }),
      merged: update({ create: true, set: { '/title': 'b' }, layout: { x: 1 } }),
    },
    {
      name: 'moves of one grid',
      first: move({ baseVersion: 3, moved: { a: { x: 1, y: 1 } } }),
      second: move({ baseVersion: 4, moved: { a: { x: 2 }, b: { w: 3 } }, columns: 12 }),
      merged: move({ baseVersion: 3, moved: { a: { x: 2, y: 1 }, b: { w: 3 } }, columns: 12, epoch: undefined }),
    },
    {
      name: 'not of two widgets',
      first: update({ set: { '/a': 1 } }),
      second: { ...update({ set: { '/a': 1 } }), widgetId: 'v' } as BatchedOp,
      merged: undefined,
    },
    {
      name: 'not with another policy',
      first: update({ set: { '/a': 1 } }),
      second: update({ set: { '/a': 1 }, policy: 'skip' }),
      merged: undefined,
    },
    {
      name: 'not two breakpoints',
      first: move({ moved: {} }),
      second: move({ breakpoint: 'phone', moved: {} }),
      merged: undefined,
    },
    {
      name: 'not an undo of a move',
      first: move({ moved: {}, prev: {} }),
      second: move({ moved: {} }),
      merged: undefined,
    },
    {
      name: 'not a merge patch',
      first: update({ changes: {} }),
      second: update({ set: { '/a': 1 } }),
      merged: undefined,
    },
    {
      name: 'not a restore',
      first: update({ set: { '/a': 1 } }),
      second: update({ restore: true }),
      merged: undefined,
    },
    {
      name: 'not a deletion',
      first: update({ set: { '/a': 1 } }),
      second: { type: 'WIDGET_DELETE', widgetId: 'w' },
      merged: undefined,
    },
  ];
  test.each(cases)('$name', ({ first, second, merged }) => {
    expect(mergeOps(first, second)).toEqual(merged);
  });
});

test('M3 an edit tells the values that were seen', () => {
  const document: DashboardDocument = {
    id: 'ops',
    epoch: 'e',
    version: 1,
    settings: { title: 'Ops' },
    widgets: { w: { a: 1, c: { x: null } } },
    layouts: {},
  };
  const prev = (op: Op) => withPrev(op, document).prev;
  expect(prev(update({ set: { '/a': 2, '/c/x': 1, '/new': 1 }, unset: ['/c/y'] }))).toEqual({ '/a': 1, '/c/x': null });
  expect(prev({ type: 'DASHBOARD_UPDATE', set: { '/title': 'x' } })).toEqual({ '/title': 'Ops' });
  expect(prev(update({ create: true, widgetId: 'new', set: { '/a': 2 } }))).toBeUndefined();
  expect(prev(update({ set: { '/a': 2 }, prev: { '/a': 9 } }))).toEqual({ '/a': 9 });
});

test('lanes are the widgets of an op, and the layout if it is about that', () => {
  const lanes = (op: Op) => [...lanesOf(op)].sort();
  expect(lanes(update({ set: { '/a': 1 } }))).toEqual(['w:w']);
  expect(lanes(update({ create: true }))).toEqual(['w:w']); // many can be made at a time
  expect(lanes(move({ moved: { a: { x: 1 }, b: {} } }))).toEqual(['l', 'w:a', 'w:b']);
  expect(lanes({ type: 'DASHBOARD_UPDATE' })).toEqual(['s']);
  expect(lanes({ type: 'CONFLICT_RESOLVED', conflictId: 'c', choice: 'mine' })).toEqual(['s']);
  expect(lanes({ type: 'WIDGET_BATCH', operations: [update({}), move({ columns: 3 })] })).toEqual(['l', 'w:w']);
});
