import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { applyChange } from '../src/change.ts';
import { applyOp } from '../src/effect.ts';
import { endpoints } from '../src/endpoint.ts';
import type { BatchedOp, Change, DashboardDocument, Json, Op } from '../src/index.ts';
import { inverseOp } from '../src/inverse.ts';
import { createRest } from '../src/rest.ts';

/** More of them with DASHWIRE_EFFECT_RUNS. */
const runs = Number(process.env.DASHWIRE_EFFECT_RUNS ?? 60);

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 120_000);
afterAll(() => server.dispose());

const ids = fc.constantFrom('cpu', 'mem', 'disk', 'net', 'toString', 'bad id');
const names = fc.constantFrom('a', 'b', 'config', 'a~1b', 'valueOf');
const paths = fc.oneof(
  { weight: 20, arbitrary: fc.array(names, { minLength: 1, maxLength: 3 }).map((tokens) => `/${tokens.join('/')}`) },
  { weight: 1, arbitrary: fc.constantFrom('', 'a', '/a~', '/__proto__', '/a/constructor/b') },
);
const scalars = fc.constantFrom<Json>(null, true, 0, 1.5, '', 'x', [], [1, { a: 2 }], {}, { a: 1 }, { b: { a: null } });
const values = fc.dictionary(names, scalars, { maxKeys: 3, noNullPrototype: true });
const cells = fc.oneof(
  { weight: 30, arbitrary: fc.integer({ min: -2, max: 26 }) },
  { weight: 1, arbitrary: fc.constantFrom(1.5, 1_001, 100_000, 100_001) },
);
const moves = fc.record(
  { x: cells, y: cells, w: cells, h: cells, static: fc.boolean() },
  { requiredKeys: [], noNullPrototype: true },
);
const sets = fc.dictionary(paths, scalars, { minKeys: 1, maxKeys: 3, noNullPrototype: true });
const breakpoints = fc.constantFrom(undefined, undefined, 'main', 'phone', 'wide');
const is = <const T extends string>(type: T) => fc.constant(type);
const yes = fc.constant(true);
const parts: fc.Arbitrary<BatchedOp> = fc.oneof(
  fc.record({ type: is('WIDGET_UPDATE'), widgetId: ids, set: sets }),
  fc.record({
    type: is('WIDGET_UPDATE'),
    widgetId: ids,
    unset: fc.array(paths, { minLength: 1, maxLength: 2 }),
    layout: moves,
  }),
  fc.record({ type: is('WIDGET_UPDATE'), widgetId: ids, changes: values }),
  fc.record({ type: is('WIDGET_UPDATE'), widgetId: ids, create: yes, changes: values }),
  fc.record({ type: is('WIDGET_UPDATE'), widgetId: ids, create: yes, set: sets, layout: moves }),
  fc.record({ type: is('WIDGET_DELETE'), widgetId: ids }),
  fc.record({ type: is('DASHBOARD_UPDATE'), set: sets, unset: fc.array(paths, { maxLength: 1 }) }),
  fc.record({ type: is('DASHBOARD_UPDATE'), changes: values }),
  fc.record({
    type: is('LAYOUT_UPDATE'),
    breakpoint: breakpoints,
    moved: fc.dictionary(ids, moves, { minKeys: 1, maxKeys: 3, noNullPrototype: true }),
  }),
  fc.record({
    type: is('LAYOUT_UPDATE'),
    breakpoint: breakpoints,
    columns: fc.constantFrom(1, 4, 12, 24, 0),
    create: fc.boolean(),
  }),
  fc.record({
    type: is('LAYOUT_UPDATE'),
    breakpoint: breakpoints,
    compact: fc.constantFrom('vertical', 'none'),
    moved: fc.dictionary(ids, moves, { maxKeys: 2, noNullPrototype: true }),
  }),
);
const ops: fc.Arbitrary<Op> = fc.oneof(
  { weight: 3, arbitrary: parts },
  {
    weight: 1,
    arbitrary: fc.record({
      type: is('WIDGET_BATCH'),
      operations: fc.array(parts, { minLength: 1, maxLength: 4 }),
      atomic: fc.boolean(),
    }),
  },
);

interface Answer {
  readonly type: 'ACK' | 'NACK' | 'CONFLICT_DETECTED';
  readonly payload: { readonly code?: string; readonly status?: string; readonly change?: Change };
}

/** What the server makes of an op, and the document after it. */
async function submit(document: DashboardDocument, op: Op, id: string): Promise<[Answer, DashboardDocument]> {
  const { type, ...fields } = op;
  const { epoch, version } = document;
  const body = {
    type: 'SYNC',
    clientId: 'tab-1',
    operations: [{ type, id, payload: { dashboardId: document.id, baseVersion: version, epoch, ...fields } }],
    since: { [document.id]: { epoch, version } },
  };
  const url = new URL(endpoints(server.url).realtime);
  url.searchParams.set('userId', document.id); // each with a rate of its own (C8)
  const response = await fetch(url, {
    method: 'POST',
    headers: { 'Content-Type': 'application/json' },
    body: JSON.stringify(body),
  });
  const { results, updates } = (await response.json()) as {
    results: [Answer];
    updates: Record<string, { version: number; entries: { payload: { change: Change } }[] }>;
  };
  const update = updates[document.id];
  const after = (update?.entries ?? []).reduce((d, { payload }) => applyChange(d, payload.change), document);
  return [results[0], { ...after, version: update?.version ?? version }];
}

function creates(op: Op): string[] {
  const all: readonly object[] = op.type === 'WIDGET_BATCH' ? op.operations : [op];
  return all.flatMap((part) => ('create' in part && 'widgetId' in part ? [String(part.widgetId)] : []));
}

const malformed = new Set<string | undefined>(['INVALID_ID', 'INVALID_LAYOUT', 'INVALID_VALUE', 'PATH']);

let dashboards = 0;
const seen: Record<string, number> = {};

test(
  'M4 E7 an op shown at once is what the server makes of it, and so is its undo',
  async () => {
    const rest = createRest({ endpoints: endpoints(server.url), platform: { fetch } });
    const start = '{"widgets":{"cpu":{"title":"CPU","config":{"a":1}},"mem":{},"net":{"a":[1]}}}';
    await fc.assert(
      fc.asyncProperty(fc.array(ops, { minLength: 5, maxLength: 20 }), async (all) => {
        const id = `effect-${++dashboards}`;
        await rest.dashboards.import(start, { id });
        let document = await rest.dashboards.get(id);
        const compare = async (op: Op, opId: string) => {
          const shown = applyOp(document, op);
          const [answer, after] = await submit(document, op, opId);
          const told = answer.type === 'ACK' ? (answer.payload.status ?? '') : (answer.payload.code ?? answer.type);
          seen[told] = (seen[told] ?? 0) + 1;
          const what = JSON.stringify([op, shown.problem, answer]);
          if (answer.type === 'ACK') {
            expect(shown.problem, what).toBeUndefined();
            expect({ ...shown.document, version: after.version }, what).toEqual(after);
          } else {
            expect(shown.document, what).toBe(document);
            const code = answer.type === 'NACK' ? answer.payload.code : 'NOT_FOUND';
            // Of several faults each names one.
            if (malformed.has(code ?? '')) expect(malformed, what).toContain(shown.problem?.code);
            else expect(shown.problem?.code, what).toBe(code);
          }
          return after;
        };
        const buried = new Set<string>(); // the server remembers them, the document does not (M9)
        for (const [i, op] of all.entries()) {
          if (creates(op).some((widgetId) => buried.has(widgetId))) continue;
          const after = await compare(op, `op-${i}`);
          const undo = inverseOp(document, after, op);
          const before = document;
          document = after;
          for (const widgetId of Object.keys(before.widgets))
            if (!Object.hasOwn(after.widgets, widgetId)) buried.add(widgetId);
          if (!undo || JSON.stringify(undo).includes('"restore"')) continue;
          document = await compare(undo, `undo-${i}`);
          for (const widgetId of creates(op)) buried.add(widgetId);
          expect(document.layouts).toEqual({ ...document.layouts, ...before.layouts });
          expect(Object.keys(document.widgets).sort()).toEqual(Object.keys(before.widgets).sort());
        }
      }),
      { numRuns: runs, endOnFailure: true },
    );
    for (const told of ['applied', 'unchanged', 'PATH', 'NOT_FOUND', 'EXISTS', 'INVALID_LAYOUT', 'BATCH_REFUSED']) {
      expect(seen[told] ?? 0, told).toBeGreaterThan(0);
    }
  },
  20_000 + runs * 5_000,
);
