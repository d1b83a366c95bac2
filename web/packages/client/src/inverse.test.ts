import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { DashboardDocument } from './document.ts';
import { applyOp } from './effect.ts';
import { inverseOp } from './inverse.ts';
import type { Json, JsonObject } from './json.ts';
import { normaliseLayout } from './layout.ts';
import type { BatchedOp, Op } from './operation.ts';
import { isObject } from './pointer.ts';

const place = (x: number, y: number, w = 6, h = 4) => ({ x, y, w, h, static: false });
const start: DashboardDocument = {
  id: 'ops',
  epoch: 'e',
  version: 1,
  settings: { title: 'Operations' },
  widgets: { cpu: { title: 'CPU', config: { unit: '%' } }, mem: { title: 'Memory' } },
  layouts: { main: { columns: 12, compact: 'vertical', items: { cpu: place(0, 0), mem: place(6, 0) } } },
};
const inverse = (op: Op, before = start) => inverseOp(before, applyOp(before, op).document, op);

describe('inverseOp', () => {
  it.each<[string, Op, Op | null]>([
    [
      'an edit',
      { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'Load', '/config/max': 1 }, unset: ['/config/unit'] },
      {
        type: 'WIDGET_UPDATE',
        widgetId: 'cpu',
        policy: 'skip',
        set: { '/config/unit': '%', '/title': 'CPU' },
        unset: ['/config/max'],
        prev: { '/title': 'Load', '/config/max': 1 },
      },
    ],
    [
      'a merge patch of the settings',
      { type: 'DASHBOARD_UPDATE', changes: { title: null, tags: ['prod'] } },
      {
        type: 'DASHBOARD_UPDATE',
        policy: 'skip',
        set: { '/title': 'Operations' },
        unset: ['/tags'],
        prev: { '/tags': ['prod'] },
      },
    ],
    [
      'creating',
      { type: 'WIDGET_UPDATE', widgetId: 'new', create: true, set: { '/title': 'New' } },
      { type: 'WIDGET_DELETE', widgetId: 'new', policy: 'skip', prev: { '': { title: 'New' } } },
    ],
    [
      'deleting',
      { type: 'WIDGET_DELETE', widgetId: 'mem' },
      { type: 'WIDGET_UPDATE', widgetId: 'mem', policy: 'skip', restore: true },
    ],
    [
      'a move, with what it pushed aside',
      { type: 'LAYOUT_UPDATE', moved: { cpu: { x: 6, y: 0 } } },
      {
        type: 'LAYOUT_UPDATE',
        policy: 'skip',
        moved: { cpu: place(0, 0), mem: place(6, 0) },
        prev: { '/cpu': place(6, 0), '/mem': place(6, 4) },
      },
    ],
    [
      'another grid',
      { type: 'LAYOUT_UPDATE', columns: 24, compact: 'none' },
      { type: 'LAYOUT_UPDATE', policy: 'skip', columns: 12, compact: 'vertical' },
    ],
    ['nothing', { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'CPU' } }, null],
    ['what cannot be applied', { type: 'WIDGET_UPDATE', widgetId: 'gone', set: { '/title': 'CPU' } }, null],
  ])('M13 of %s', (_, op, expected) => {
    expect(inverse(op)).toEqual(expected);
  });

  it('M13 of a batch does not fail as a whole', () => {
    const operations: BatchedOp[] = [
      { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'A' } },
      { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'B', '/config/unit': 'ms' } },
      { type: 'WIDGET_UPDATE', widgetId: 'new', create: true },
      { type: 'WIDGET_DELETE', widgetId: 'new' },
      { type: 'DASHBOARD_UPDATE', set: { '/a': 1 } },
    ];
    expect(inverse({ type: 'WIDGET_BATCH', operations })).toEqual({
      type: 'WIDGET_BATCH',
      atomic: false,
      policy: 'skip',
      operations: [
        { type: 'DASHBOARD_UPDATE', unset: ['/a'], prev: { '/a': 1 } },
        {
          type: 'WIDGET_UPDATE',
          widgetId: 'cpu',
          set: { '/config/unit': '%', '/title': 'CPU' },
          prev: { '/title': 'B', '/config/unit': 'ms' },
        },
      ],
    });
  });

  it('M13 the inverse of an undo is the redo', () => {
    const op: Op = { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'Load' } };
    const after = applyOp(start, op).document;
    const undo = inverseOp(start, after, op) as Op;
    const redo = inverseOp(after, applyOp(after, undo).document, undo);
    expect(redo).toEqual({ ...op, policy: 'skip', prev: { '/title': 'CPU' } });
  });

  it('M13 takes back what is still as the op left it', () => {
    const op: Op = { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'Load', '/config/unit': 'ms' } };
    const after = applyOp(start, op).document;
    const theirs = applyOp(after, { type: 'WIDGET_UPDATE', widgetId: 'cpu', set: { '/title': 'Processor' } }).document;
    const undone = applyOp(theirs, inverseOp(start, after, op) as Op).document;
    expect(undone.widgets.cpu).toEqual({ title: 'Processor', config: { unit: '%' } });
  });
});

const keys = fc.constantFrom('a', 'b', 'toString');
const paths = fc.array(keys, { minLength: 1, maxLength: 3 }).map((tokens) => `/${tokens.join('/')}`);
const ids = fc.constantFrom('cpu', 'mem', 'disk', 'net', 'new');
const values: fc.Arbitrary<Json> = fc.constantFrom<Json>(null, 1, 'x', [1, 2], { a: 1 }, { b: { a: [] } });
const cells = { x: fc.integer({ min: -1, max: 13 }), y: fc.integer({ min: 0, max: 20 }) };
const sizes = { w: fc.integer({ min: 1, max: 12 }), h: fc.integer({ min: 1, max: 6 }), static: fc.boolean() };
const moves = fc.record({ ...cells, ...sizes }, { requiredKeys: [] });
const parts: fc.Arbitrary<BatchedOp> = fc.oneof(
  fc.record({
    type: fc.constant('WIDGET_UPDATE' as const),
    widgetId: ids,
    set: fc.dictionary(paths, values, { maxKeys: 3 }),
  }),
  fc.record({
    type: fc.constant('WIDGET_UPDATE' as const),
    widgetId: ids,
    unset: fc.uniqueArray(paths, { maxLength: 2 }),
  }),
  fc.record({ type: fc.constant('WIDGET_UPDATE' as const), widgetId: ids, create: fc.constant(true), layout: moves }),
  fc.record({ type: fc.constant('WIDGET_DELETE' as const), widgetId: ids }),
  fc.record({ type: fc.constant('LAYOUT_UPDATE' as const), moved: fc.dictionary(ids, moves, { maxKeys: 3 }) }),
  fc.record({
    type: fc.constant('LAYOUT_UPDATE' as const),
    columns: fc.integer({ min: 1, max: 12 }),
    compact: fc.constantFrom('vertical' as const, 'none' as const),
  }),
  fc.record({ type: fc.constant('DASHBOARD_UPDATE' as const), set: fc.dictionary(paths, values, { maxKeys: 3 }) }),
);
const ops: fc.Arbitrary<Op> = fc.oneof(
  parts,
  fc.record({
    type: fc.constant('WIDGET_BATCH' as const),
    operations: fc.array(parts, { minLength: 1, maxLength: 4 }),
    atomic: fc.constant(false),
  }),
);
const documents: fc.Arbitrary<DashboardDocument> = fc
  .record({
    columns: fc.integer({ min: 1, max: 12 }),
    compact: fc.constantFrom('vertical' as const, 'none' as const),
    at: fc.array(fc.record({ ...cells, ...sizes }), { minLength: 4, maxLength: 4 }),
    value: fc.constantFrom<JsonObject>({}, { a: 1 }, { a: { b: 1 } }),
  })
  .map(({ columns, compact, at, value }) => {
    const names = ['cpu', 'mem', 'disk', 'net'];
    const items = Object.fromEntries(names.map((id, i) => [id, at[i] ?? place(0, 0)]));
    return {
      ...start,
      settings: value,
      widgets: Object.fromEntries(names.map((id) => [id, value])),
      layouts: { main: normaliseLayout({ columns, compact, items }) },
    };
  });

/** Without objects that are empty: unsetting leaves the parents that setting has made. */
function bare(value: unknown): unknown {
  if (!isObject(value)) return value;
  const members = Object.entries(value).map(([key, v]) => [key, bare(v)] as const);
  return Object.fromEntries(members.filter(([, v]) => !(isObject(v) && Object.keys(v).length === 0)));
}

describe('an op and its inverse', () => {
  it('M13 give the document that was, but for what a restore brings back', () => {
    let undone = 0;
    fc.assert(
      fc.property(documents, ops, (before, op) => {
        const after = applyOp(before, op).document;
        const undo = inverseOp(before, after, op);
        if (!undo) {
          expect(bare(after)).toEqual(bare(before));
          return;
        }
        expect(undo.policy).toBe('skip');
        const deleted = Object.keys(before.widgets).filter((id) => !after.widgets[id]);
        const restored = (undo.type === 'WIDGET_BATCH' ? undo.operations : [undo]).filter((o) => 'restore' in o);
        expect(restored.map((o) => 'widgetId' in o && o.widgetId)).toEqual(deleted.sort());
        if (deleted.length > 0) return;
        const { document, problem } = applyOp(after, undo);
        expect(problem).toBeUndefined();
        expect(bare(document)).toEqual(bare(before));
        undone++;
      }),
      { numRuns: 1000 },
    );
    expect(undone).toBeGreaterThan(300);
  });
});
