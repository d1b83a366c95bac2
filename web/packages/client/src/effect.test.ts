import { describe, expect, it } from 'vitest';
import vectors from '../../../../testdata/merge.json' with { type: 'json' };
import { applyChange } from './change.ts';
import type { Change, DashboardDocument } from './document.ts';
import { applyOp } from './effect.ts';
import type { BatchedOp, Op } from './operation.ts';

const asDocument = (parts: unknown) =>
  ({ id: 'ops', epoch: 'e', version: 1, ...(parts as object) }) as DashboardDocument;

interface Step {
  readonly op: object;
  readonly answer: { type: string; payload: { status?: string; code?: string; skipped?: string[] } };
  readonly change?: Change;
}

/** The fields that only the vectors have are not part of the op. */
function opOf({ by: _by, wait: _wait, id: _id, hash: _hash, age: _age, ...op }: Record<string, unknown>): Op {
  return op as unknown as Op;
}

/** What shows nothing, since history is needed for it. */
const needsHistory = (op: Op, document: DashboardDocument) =>
  op.type === 'LAYOUT_RESTORE' ||
  ('restore' in op && op.restore === true && document.widgets[op.widgetId ?? ''] === undefined);

describe('vectors of merge.json', () => {
  let shown = 0;

  it.each(vectors.cases)('$description', (v) => {
    let document = asDocument(v.start);
    for (const { op: given, answer, change } of v.steps as unknown as Step[]) {
      const op = opOf(given as Record<string, unknown>);
      const { document: after, problem } = applyOp(document, op);
      // An undo knows by itself what it skips; what another op skips is a clash, which the server decides.
      const decided = answer.payload.skipped !== undefined && !('prev' in op);
      if (needsHistory(op, document)) expect(after).toBe(document);
      else if (answer.type === 'ACK' && !decided) {
        expect([problem, after]).toEqual([undefined, change ? applyChange(document, change) : document]);
        if (answer.payload.status === 'unchanged') expect(after).toBe(document);
        shown++;
      }
      const code = answer.payload.code ?? '';
      if (['PATH', 'NOT_FOUND', 'BATCH_REFUSED'].includes(code))
        expect([problem?.code, after]).toEqual([code, document]);
      if (change) document = applyChange(document, change);
    }
    expect(document).toEqual(asDocument(v.document));
  });

  it('M4 most of them can be shown before the answer', () => {
    expect(shown).toBeGreaterThan(60);
  });
});

const place = (x: number, y: number, w = 6, h = 4) => ({ x, y, w, h, static: false });
const start = asDocument({
  settings: { title: 'Operations' },
  widgets: { cpu: { title: 'CPU', config: { unit: '%', axes: [1, 2] } }, mem: { title: 'Memory' } },
  layouts: { main: { columns: 12, compact: 'vertical', items: { cpu: place(0, 0), mem: place(6, 0) } } },
});
const batch = (operations: BatchedOp[], atomic?: boolean): Op => ({ type: 'WIDGET_BATCH', operations, atomic });

describe('applyOp', () => {
  it.each<[string, Op, string, string]>([
    [
      'M9 an update of nothing',
      { type: 'WIDGET_UPDATE', widgetId: 'toString', set: { '/a': 1 } },
      'NOT_FOUND',
      'widgetId',
    ],
    ['M9 an id in use', { type: 'WIDGET_UPDATE', widgetId: 'cpu', create: true }, 'EXISTS', 'widgetId'],
    [
      'M9 an id that the same batch has deleted',
      batch([
        { type: 'WIDGET_DELETE', widgetId: 'cpu' },
        { type: 'WIDGET_UPDATE', widgetId: 'cpu', create: true },
      ]),
      'BATCH_REFUSED',
      'operations.1',
    ],
    ['D2 a bad id', { type: 'WIDGET_UPDATE', widgetId: '__proto__', create: true }, 'INVALID_ID', 'widgetId'],
    ['D2 dots alone', { type: 'WIDGET_UPDATE', widgetId: '..', create: true }, 'INVALID_ID', 'widgetId'],
    [
      'E6 through an array',
      { type: 'WIDGET_UPDATE', widgetId: 'cpu', unset: ['/config/axes/0'] },
      'PATH',
      '/config/axes/0',
    ],
    ['E6 twice', { type: 'DASHBOARD_UPDATE', set: { '/a': 1, '/a/b': 2 } }, 'PATH', '/a/b'],
    ['D4 a bad key', { type: 'DASHBOARD_UPDATE', set: { '/a/__proto__/b': 1 } }, 'INVALID_VALUE', '/a/__proto__'],
    ['L7 no such breakpoint', { type: 'LAYOUT_UPDATE', breakpoint: 'phone' }, 'NOT_FOUND', 'breakpoint'],
    ['L7 a bad breakpoint', { type: 'LAYOUT_UPDATE', breakpoint: '', create: true }, 'INVALID_ID', 'breakpoint'],
    ['L2 no whole number', { type: 'LAYOUT_UPDATE', moved: { cpu: { x: 1.5 } } }, 'INVALID_LAYOUT', 'moved/cpu/x'],
    ['L2 too far down', { type: 'LAYOUT_UPDATE', moved: { cpu: { y: 100_001 } } }, 'INVALID_LAYOUT', 'moved/cpu/y'],
    ['L2 too high', { type: 'WIDGET_UPDATE', widgetId: 'cpu', layout: { h: 1001 } }, 'INVALID_LAYOUT', 'layout/h'],
    ['L7 too many columns', { type: 'LAYOUT_UPDATE', columns: 1001 }, 'INVALID_LAYOUT', 'columns'],
    [
      'M11 one part of an atomic batch',
      batch([
        { type: 'DASHBOARD_UPDATE', set: { '/title': 'A' } },
        { type: 'WIDGET_UPDATE', widgetId: 'gone', set: { '/a': 1 } },
      ]),
      'BATCH_REFUSED',
      'operations.1',
    ],
    ['M11 all parts', batch([{ type: 'WIDGET_UPDATE', widgetId: 'gone' }], false), 'BATCH_REFUSED', 'operations.0'],
  ])('%s changes nothing and says why', (_, op, code, path) => {
    const result = applyOp(start, op);
    expect(result.problem).toEqual({ code, path });
    expect(result.document).toBe(start);
  });

  it('M11 what passes of a batch that is not atomic is shown', () => {
    const { document, problem } = applyOp(
      start,
      batch(
        [
          { type: 'WIDGET_UPDATE', widgetId: 'gone', set: { '/a': 1 } },
          { type: 'WIDGET_UPDATE', widgetId: 'new', create: true, set: { '/title': 'New' }, layout: { x: 6, y: 0 } },
          { type: 'LAYOUT_UPDATE', moved: { new: { w: 3 }, gone: { x: 1 } } },
          { type: 'WIDGET_DELETE', widgetId: 'mem' },
        ],
        false,
      ),
    );
    expect(problem).toBeUndefined();
    expect(document.widgets).toEqual({ cpu: start.widgets.cpu, new: { title: 'New' } });
    expect(document.layouts.main?.items).toEqual({ cpu: place(0, 0), new: place(6, 0, 3) });
  });

  it('M9 nothing is shown of what history knows', () => {
    expect(applyOp(start, { type: 'WIDGET_UPDATE', widgetId: 'gone', restore: true })).toEqual({ document: start });
    expect(applyOp(start, batch([{ type: 'WIDGET_UPDATE', widgetId: 'gone', restore: true }])).document).toBe(start);
    expect(applyOp(start, { type: 'LAYOUT_RESTORE', toVersion: 1 }).document).toBe(start);
  });

  it('M9 restoring what is there is an update like others', () => {
    const part = { type: 'WIDGET_UPDATE', widgetId: 'mem', restore: true, set: { '/title': 'RAM' } } as const;
    expect(applyOp(start, part).document.widgets.mem).toEqual({ title: 'RAM' });
    expect(applyOp(start, batch([part])).document.widgets.mem).toEqual({ title: 'RAM' });
    expect(applyOp(start, batch([{ type: 'WIDGET_DELETE', widgetId: 'mem' }, part])).document).toBe(start);
  });

  it('M13 an undo leaves out what is not as it left it', () => {
    const op: Op = {
      type: 'WIDGET_UPDATE',
      widgetId: 'cpu',
      policy: 'skip',
      set: { '/title': 'Old', '/config/unit': 'ms' },
      prev: { '/title': 'Mine', '/config/unit': '%' },
    };
    expect(applyOp(start, op).document.widgets.cpu).toEqual({ title: 'CPU', config: { unit: 'ms', axes: [1, 2] } });
    const gone: Op = { type: 'WIDGET_DELETE', widgetId: 'mem', policy: 'skip', prev: { '': { title: 'Mine' } } };
    expect(applyOp(start, gone).document).toBe(start);
    expect(applyOp(start, { ...gone, prev: { '': { title: 'Memory' } } }).document.widgets).not.toHaveProperty('mem');
  });

  it('L7 a new breakpoint begins as main is, on its own grid', () => {
    const { document } = applyOp(start, { type: 'LAYOUT_UPDATE', breakpoint: 'phone', create: true, columns: 6 });
    expect(document.layouts.phone).toEqual({
      columns: 6,
      compact: 'vertical',
      items: { cpu: place(0, 0), mem: place(0, 4) },
    });
    expect(document.layouts.main).toBe(start.layouts.main);
  });

  it('E7 what an op does not touch keeps its identity', () => {
    const { document } = applyOp(start, { type: 'WIDGET_UPDATE', widgetId: 'cpu', changes: { title: 'Load' } });
    expect(document.widgets.mem).toBe(start.widgets.mem);
    expect(document.widgets.cpu?.config).toBe(start.widgets.cpu?.config);
    expect([document.layouts, document.settings]).toEqual([start.layouts, start.settings]);
    const moved = applyOp(start, { type: 'LAYOUT_UPDATE', moved: { mem: { x: 6, y: 5 } } }).document;
    expect(moved).toBe(start);
  });
});
