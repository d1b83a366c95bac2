import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { Change, DashboardDocument } from './document.ts';
import { applyOp } from './effect.ts';
import type { Json } from './json.ts';
import type { BatchedOp, Op } from './operation.ts';
import { Replica } from './replica.ts';

function board(widgets: number): DashboardDocument {
  const ids = Array.from({ length: widgets }, (_, n) => `w${n}`);
  return {
    id: 'ops',
    epoch: 'e',
    version: 1,
    settings: {},
    widgets: Object.fromEntries(ids.map((id) => [id, { title: id, n: 0 }])),
    layouts: {
      main: {
        columns: 12,
        compact: 'vertical',
        items: Object.fromEntries(
          ids.map((id, n) => [id, { x: (n % 3) * 4, y: Math.floor(n / 3) * 2, w: 4, h: 2, static: false }]),
        ),
      },
    },
  };
}

const set = (id: string, n: number): Op => ({ type: 'WIDGET_UPDATE', widgetId: id, set: { '/n': n } });
const foreign = (id: string, title: string): Change => ({ widgets: { [id]: { set: { '/title': title } } } });
const opsOf = (...ops: Op[]) => ops.map((op, i) => ({ id: `op${i}`, op }));

/** The view as it must be: all ops on the server's document, one after another. */
function expectFolded(replica: Replica, ops: readonly { readonly op: Op }[]): void {
  const { server } = replica;
  if (!server) throw new Error('no document');
  expect(replica.view).toEqual(ops.reduce((document, { op }) => applyOp(document, op).document, server));
}

describe('what the user sees', () => {
  const cases: { name: string; ops: { id: string; op: Op }[]; change: Change }[] = [
    { name: 'an entry elsewhere', ops: opsOf(set('w1', 1), set('w2', 2)), change: foreign('w3', 'x') },
    {
      name: 'an entry on the same widget',
      ops: opsOf(set('w1', 1), set('w1', 2)),
      change: { widgets: { w1: { set: { '/n': 9, '/title': 'x' } } } },
    },
    { name: 'a deletion under an edit', ops: opsOf(set('w1', 1)), change: { widgets: { w1: null } } },
    {
      name: 'an entry under a move',
      ops: opsOf({ type: 'LAYOUT_UPDATE', moved: { w4: { x: 0, y: 0 } } }),
      change: { layouts: { main: { items: { w0: { x: 8, y: 9, w: 4, h: 2, static: false } } } } },
    },
    {
      name: 'an entry under a batch',
      ops: opsOf(
        {
          type: 'WIDGET_BATCH',
          operations: [
            { type: 'WIDGET_UPDATE', widgetId: 'w1', set: { '/n': 1 } },
            { type: 'WIDGET_DELETE', widgetId: 'w2' },
          ],
        },
        set('w1', 5),
      ),
      change: foreign('w1', 'x'),
    },
    {
      name: 'settings',
      ops: opsOf({ type: 'DASHBOARD_UPDATE', set: { '/a': 1 } }),
      change: { settings: { set: { '/a': 2, '/b': 3 } } },
    },
    {
      name: 'a widget of the same id',
      ops: opsOf({ type: 'WIDGET_UPDATE', widgetId: 'new', create: true, set: { '/n': 1 } }),
      change: { widgets: { new: { value: { n: 2 } } } },
    },
  ];
  test.each(cases)('is the ops on the new document: $name', ({ ops, change }) => {
    const replica = new Replica('ops');
    replica.reset(board(9));
    replica.put(ops);
    expectFolded(replica, ops);
    replica.advance(2, 'e', change);
    expectFolded(replica, ops);
    replica.put(ops.slice(1));
    expectFolded(replica, ops.slice(1));
    replica.put([...ops.slice(1), ...ops.slice(0, 1)]);
    expectFolded(replica, [...ops.slice(1), ...ops.slice(0, 1)]);
    replica.put([]);
    expect(replica.view).toBe(replica.server);
  });

  test('a drag counts from where it began', () => {
    const replica = new Replica('ops');
    replica.reset(board(9));
    for (let y = 1; y < 6; y++) {
      const ops = [{ id: 'drag', op: { type: 'LAYOUT_UPDATE', moved: { w0: { x: 0, y } } } as Op }];
      replica.put(ops);
      expectFolded(replica, ops);
    }
  });

  test('an own entry without a change has the effect of the op, and takes it off', () => {
    const replica = new Replica('ops');
    replica.reset(board(3));
    replica.put(opsOf(set('w1', 1), set('w2', 2)));
    const before = replica.view;
    replica.advance(2, 'e', undefined, 'op0');
    expect(replica.server?.widgets.w1).toEqual({ title: 'w1', n: 1 });
    expect(replica.server?.widgets.w2).toEqual({ title: 'w2', n: 0 });
    expect(replica.view?.widgets).toEqual(before?.widgets);
  });

  test('what is equal in a snapshot keeps its identity', () => {
    const replica = new Replica('ops');
    replica.reset(board(3));
    const was = replica.view;
    replica.reset({ ...structuredClone(board(3)), version: 5, settings: { a: 1 } });
    expect(replica.view?.widgets).toBe(was?.widgets);
    expect(replica.view?.layouts).toBe(was?.layouts);
    expect(replica.view).toMatchObject({ version: 5, settings: { a: 1 } });
  });

  test('an entry does none of the pending ops again that it does not touch', () => {
    const replica = new Replica('ops');
    const calls: string[] = [];
    const counted = (id: string): Op => {
      const op = set(id, 1);
      return Object.defineProperty({ ...op }, 'set', {
        get() {
          calls.push(id);
          return { '/n': 1 };
        },
        enumerable: true,
      }) as Op;
    };
    replica.reset(board(1000));
    replica.put(Array.from({ length: 64 }, (_, n) => ({ id: `op${n}`, op: counted(`w${n}`) })));
    calls.length = 0;
    for (let n = 0; n < 200; n++) replica.advance(2 + n, 'e', foreign(`w${500 + n}`, 'x'));
    expect(calls).toEqual([]);
    const w0 = replica.view?.widgets.w0;
    replica.advance(300, 'e', foreign('w7', 'x'));
    expect(new Set(calls)).toEqual(new Set(['w7']));
    expect(replica.view?.widgets.w0).toBe(w0);
    expect(replica.view?.widgets.w7).toEqual({ title: 'x', n: 1 });
  });
});

describe('whatever comes', () => {
  const ids = fc.constantFrom('w0', 'w1', 'w2', 'new');
  const paths = fc.constantFrom('/title', '/config', '/config/unit');
  const values = fc.constantFrom<Json>('x', 1, { unit: '%' }, [1]);
  const patch = fc.oneof(
    fc.tuple(paths, values).map(([path, value]) => ({ set: { [path]: value } })),
    paths.map((path) => ({ unset: [path] })),
  );
  const places = fc.record({ x: fc.nat(8), y: fc.nat(6) });
  const single: fc.Arbitrary<BatchedOp> = fc.oneof(
    {
      weight: 9,
      arbitrary: fc.tuple(ids, patch).map(([widgetId, p]): BatchedOp => ({ type: 'WIDGET_UPDATE', widgetId, ...p })),
    },
    patch.map((p): BatchedOp => ({ type: 'DASHBOARD_UPDATE', ...p })),
    ids.map((widgetId): BatchedOp => ({ type: 'WIDGET_DELETE', widgetId })),
    ids.map((widgetId): BatchedOp => ({ type: 'WIDGET_UPDATE', widgetId, create: true, set: { '/title': 'made' } })),
    fc.tuple(ids, places).map(([id, place]): BatchedOp => ({ type: 'LAYOUT_UPDATE', moved: { [id]: place } })),
  );
  const op: fc.Arbitrary<Op> = fc.oneof(
    { weight: 9, arbitrary: single },
    fc.array(single, { minLength: 1, maxLength: 3 }).map((operations): Op => ({ type: 'WIDGET_BATCH', operations })),
  );
  const rectangle = places.map((place) => ({ ...place, w: 4, h: 2, static: false }));
  const change: fc.Arbitrary<Change> = fc.oneof(
    { weight: 6, arbitrary: fc.tuple(ids, patch).map(([id, p]) => ({ widgets: { [id]: p } })) },
    patch.map((settings) => ({ settings })),
    ids.map((id) => ({ widgets: { [id]: null } })),
    fc.tuple(ids, rectangle).map(([id, r]) => ({ layouts: { main: { items: { [id]: r } } } })),
    fc.tuple(ids, rectangle).map(([id, r]) => {
      return { widgets: { [id]: { value: { title: 'theirs' } } }, layouts: { main: { items: { [id]: r } } } };
    }),
  );
  const step = fc.oneof(
    fc.record({ kind: fc.constant('add' as const), op }),
    fc.record({ kind: fc.constant('grow' as const), at: fc.nat(9), op }),
    fc.record({ kind: fc.constant('drop' as const), at: fc.nat(9) }),
    fc.record({ kind: fc.constant('last' as const), at: fc.nat(9) }),
    fc.record({ kind: fc.constant('entry' as const), change }),
    fc.record({ kind: fc.constant('range' as const), changes: fc.array(change, { maxLength: 3 }) }),
    fc.record({ kind: fc.constant('own' as const), at: fc.nat(9), change: fc.option(change, { nil: undefined }) }),
    { weight: 4, arbitrary: fc.record({ kind: fc.constant('look' as const) }) },
  );

  test("the view is the ops on the server's document", () => {
    fc.assert(
      fc.property(fc.array(step, { maxLength: 25 }), (steps) => {
        const replica = new Replica('ops');
        replica.reset(board(3));
        let ops: { id: string; op: Op }[] = [];
        for (const [n, s] of steps.entries()) {
          const at = 'at' in s && ops.length > 0 ? s.at % ops.length : -1;
          const one = ops[at];
          if (s.kind === 'add') ops = [...ops, { id: `op${n}`, op: s.op }];
          else if (s.kind === 'grow' && one) ops = ops.with(at, { id: one.id, op: s.op });
          else if (s.kind === 'drop') ops = ops.filter((o) => o !== one);
          else if (s.kind === 'last' && one) ops = [...ops.filter((o) => o !== one), one];
          else if (s.kind === 'entry') replica.advance(n + 2, 'e', s.change);
          else if (s.kind === 'range') replica.advanceAll(s.changes, n + 2, 'e');
          else if (s.kind === 'own' && one) {
            replica.advance(n + 2, 'e', s.change, one.id);
            ops = ops.filter((o) => o !== one);
          } else if (s.kind === 'look') expectFolded(replica, ops);
          replica.put(ops);
        }
        expectFolded(replica, ops);
      }),
      { numRuns: 500 },
    );
  });
});
