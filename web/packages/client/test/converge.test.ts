import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { applyChange } from '../src/change.ts';
import type { BatchedOp, Dashboard, DashboardDocument, Entry, Gesture, Json, Operation } from '../src/index.ts';
import { connect, type TestClient, until } from './clients.ts';
import { type FaultyLine, startFaultyLine } from './faults.ts';

/** More of them with DASHWIRE_CONVERGE_RUNS. */
const runs = Number(process.env.DASHWIRE_CONVERGE_RUNS ?? 8);

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 120_000);
afterAll(() => server.dispose());

interface Peer {
  client: TestClient;
  dashboard: Dashboard;
  readonly line: FaultyLine;
  /** The same client on the same device, as after a reload of its page. */
  readonly open: () => TestClient;
  /** Edits go into it while there is one. */
  gesture?: Gesture;
}

/** What a run made, to be looked at in the end. */
interface Made {
  readonly operations: { readonly operation: Operation; readonly by: TestClient }[];
  /** Edits of places that nobody else edits. */
  readonly marks: { readonly path: string; readonly operation: Operation; readonly by: TestClient }[];
  /** Paths of ops that were refused and that a person has dropped. */
  readonly dropped: Set<string>;
}

/** What came about in all runs, so that a test in which nothing happens fails. */
const seen = { applied: 0, merged: 0, unchanged: 0, conflicts: 0, others: 0, withoutAck: 0, connections: 0, marks: 0 };

// Few names, so that people meet each other.
const ids = fc.constantFrom('a', 'b', 'c', 'd');
const paths = fc.constantFrom('/title', '/config', '/config/unit', '/config/axis/max');
const values = fc.constantFrom<Json>('x', 'y', 1, null, [1, 2], { unit: '%' }, { axis: { min: 0 } });
const places = fc.record(
  {
    x: fc.integer({ min: 0, max: 23 }),
    y: fc.integer({ min: 0, max: 12 }),
    w: fc.integer({ min: 1, max: 24 }),
    h: fc.integer({ min: 1, max: 6 }),
    static: fc.boolean(),
  },
  { requiredKeys: ['x', 'y'] },
);
const parts: fc.Arbitrary<BatchedOp> = fc.oneof(
  {
    weight: 5,
    arbitrary: fc.record({
      type: fc.constant('WIDGET_UPDATE' as const),
      widgetId: ids,
      set: fc.dictionary(paths, values, { noNullPrototype: true, minKeys: 1, maxKeys: 1 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant('WIDGET_UPDATE' as const), widgetId: ids, unset: paths.map((p) => [p]) }),
  },
  {
    weight: 4,
    arbitrary: fc.record({
      type: fc.constant('LAYOUT_UPDATE' as const),
      moved: fc.dictionary(ids, places, { noNullPrototype: true, minKeys: 1, maxKeys: 2 }),
    }),
  },
  {
    weight: 2,
    arbitrary: fc.record({
      type: fc.constant('DASHBOARD_UPDATE' as const),
      set: fc.dictionary(paths, values, { noNullPrototype: true, minKeys: 1, maxKeys: 1 }),
    }),
  },
  { weight: 1, arbitrary: fc.record({ type: fc.constant('WIDGET_DELETE' as const), widgetId: ids }) },
  {
    weight: 1,
    arbitrary: fc.record({
      type: fc.constant('LAYOUT_UPDATE' as const),
      columns: fc.constantFrom(6, 12, 24),
      compact: fc.constantFrom('vertical' as const, 'none' as const),
    }),
  },
);

const who = fc.nat({ max: 2 });
const steps = fc.oneof(
  { weight: 12, arbitrary: fc.record({ who, edit: parts }) },
  {
    weight: 3,
    arbitrary: fc.record({
      who,
      create: fc.option(ids, { nil: undefined }),
      layout: fc.option(places, { nil: undefined }),
    }),
  },
  { weight: 2, arbitrary: fc.record({ who, batch: fc.array(parts, { minLength: 2, maxLength: 3 }) }) },
  { weight: 2, arbitrary: fc.record({ who, history: fc.constantFrom('undo' as const, 'redo' as const) }) },
  {
    weight: 8,
    arbitrary: fc.record({
      who,
      fault: fc.constantFrom('twice', 'swap', 'loseAnswer', 'cut', 'stall', 'offline', 'heal'),
    }),
  },
  { weight: 4, arbitrary: fc.record({ who, settleMs: fc.constantFrom(1, 10, 60) }) },
  { weight: 2, arbitrary: fc.record({ who, gesture: fc.constantFrom('begin', 'commit', 'cancel') }) },
  { weight: 4, arbitrary: fc.record({ who, mark: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ who, reload: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.constant({ restart: true }) },
);
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never;

async function take(step: Step, peers: readonly Peer[], { operations, marks }: Made): Promise<void> {
  if ('restart' in step) return server.restart();
  const peer = peers[step.who % peers.length] as Peer;
  const { client, dashboard, line } = peer;
  const made = (operation: Operation) => operations.push({ operation, by: client });
  if ('edit' in step) {
    if (!shape(peer.gesture, step.edit)) made(edit(dashboard, step.edit));
  } else if ('create' in step) {
    const { create: id, layout } = step;
    made(dashboard.createWidget({ type: 'stat', title: 'New' }, { id, layout }));
  } else if ('batch' in step) made(dashboard.batch(step.batch));
  else if ('gesture' in step) {
    const done = step.gesture === 'cancel' ? peer.gesture?.cancel() : peer.gesture?.commit();
    if (done) made(done);
    peer.gesture = step.gesture === 'begin' ? dashboard.gesture() : undefined;
  } else if ('history' in step) void dashboard[step.history]();
  else if ('mark' in step) {
    const path = `/marks/${marks.length}`;
    const operation = dashboard.updateSettings({ set: { [path]: true } });
    made(operation);
    marks.push({ path, operation, by: client });
  } else if ('reload' in step) {
    await client.destroy();
    peer.client = peer.open();
    peer.dashboard = peer.client.dashboard(dashboard.id);
    peer.gesture = undefined;
  } else if ('settleMs' in step) await client.waitForSync({ timeoutMs: step.settleMs });
  else if (step.fault === 'cut') line.proxy.cut();
  else if (step.fault === 'stall') line.proxy.stall(true);
  else if (step.fault === 'offline') client.setOffline(true);
  else if (step.fault === 'heal') heal(peer);
  else line[step.fault as 'twice' | 'swap' | 'loseAnswer']();
}

/** Puts an edit into the gesture that is open, if there is one for it. */
function shape(gesture: Gesture | undefined, op: BatchedOp): boolean {
  if (!gesture || op.type === 'WIDGET_DELETE' || (op.type === 'LAYOUT_UPDATE' && !op.moved)) return false;
  if (op.type === 'WIDGET_UPDATE') gesture.updateWidget(op.widgetId, { set: op.set, unset: op.unset });
  else if (op.type === 'DASHBOARD_UPDATE') gesture.updateSettings({ set: op.set, unset: op.unset });
  else gesture.move(op.moved ?? {});
  return true;
}

function edit(dashboard: Dashboard, op: BatchedOp): Operation {
  switch (op.type) {
    case 'WIDGET_UPDATE':
      return dashboard.updateWidget(op.widgetId, { set: op.set, unset: op.unset });
    case 'WIDGET_DELETE':
      return dashboard.deleteWidget(op.widgetId);
    case 'DASHBOARD_UPDATE':
      return dashboard.updateSettings({ set: op.set, unset: op.unset });
    case 'LAYOUT_UPDATE':
      return op.moved ? dashboard.move(op.moved) : dashboard.updateLayout({ columns: op.columns, compact: op.compact });
  }
}

function heal({ client, line }: Pick<Peer, 'client' | 'line'>): void {
  line.heal();
  client.setOffline(false);
  client.reconnect();
}

/** Waits until nothing is pending, and ends what waits for a person as different people would. */
async function decideAll({ client }: Peer, n: number, dropped: Set<string>): Promise<void> {
  for (let round = 0; round < 100; round++) {
    const settled = await client.waitForSync({ timeoutMs: 200 });
    const [conflict] = client.conflicts.getSnapshot();
    const rejected = client.pending.getSnapshot().find(({ state }) => state === 'rejected');
    seen.conflicts += conflict ? 1 : 0;
    if (conflict) client.resolve(conflict.id, (round + n) % 2 ? 'mine' : 'theirs');
    else if (rejected) {
      for (const [path] of JSON.stringify(rejected.op).matchAll(/\/marks\/\d+/g)) dropped.add(path);
      client.discard(rejected.id);
    } else if (settled) return;
  }
  throw new Error(
    `it does not settle: ${JSON.stringify([client.pending, client.connection].map((r) => r.getSnapshot()))}`,
  );
}

async function historyOf({ dashboard }: Peer): Promise<Entry[]> {
  const all: Entry[] = [];
  for (let before: number | undefined; ; ) {
    const page = await dashboard.history({ before, limit: 200 });
    all.unshift(...page.entries.toReversed());
    if (page.before === null) return all;
    before = page.before;
  }
}

let dashboards = 0;
const start = JSON.stringify({
  settings: { title: 'Converge' },
  widgets: { a: { title: 'A', config: { unit: '%' } }, b: { title: 'B' }, c: {} },
});

test(
  'R2 M8 whatever the network and the server do, all clients come to the same document, and every op is done once',
  async () => {
    const property = fc.asyncProperty(
      fc.integer({ min: 2, max: 3 }),
      fc.array(steps, { minLength: 30, maxLength: 90, size: 'max' }),
      converge,
    );
    await fc.assert(property, { numRuns: runs, endOnFailure: true });
    expect(seen.applied + seen.merged).toBeGreaterThan(runs * 5);
    expect(seen.connections).toBeGreaterThan(runs * 5);
    expect(seen.conflicts).toBeGreaterThan(0);
    expect(seen.marks).toBeGreaterThan(runs);
  },
  20_000 + runs * 30_000,
);

async function converge(n: number, all: readonly Step[]): Promise<void> {
  const id = `converge-${++dashboards}`;
  const peers: Peer[] = [];
  try {
    for (let i = 0; i < n; i++) {
      const line = await startFaultyLine(server);
      // The third is another client of the first one's user. Attempts follow each other fast.
      const platform = { WebSocket: line.WebSocket, random: () => 0.02, indexedDB: new IDBFactory(), locks: null };
      const options = { userId: i === 1 ? 'bo' : 'ana', clientId: `${id}-${i}`, draftMs: 5 * i, platform };
      const open = () => connect(line.proxy, { ...options, storage: 'indexeddb' });
      const client = open();
      peers.push({ client, dashboard: client.dashboard(id), line, open });
    }
    const [first] = peers as [Peer];
    await first.client.dashboards.import(start, { id });
    await Promise.all(peers.map(({ dashboard }) => until(dashboard.state, ({ version }) => version > 0)));

    const made: Made = { operations: [], marks: [], dropped: new Set() };
    for (const step of all) await take(step, peers, made);
    for (const peer of peers) {
      const last = peer.gesture?.commit();
      if (last) made.operations.push({ operation: last, by: peer.client });
      heal(peer);
    }
    for (const [i, peer] of peers.entries()) await decideAll(peer, i, made.dropped);

    const alive = made.operations.filter(({ by }) => peers.some(({ client }) => client === by));
    const outcomes = await Promise.all(alive.map(({ operation }) => operation.done));
    const truth = await first.client.dashboards.get(id);
    for (const { dashboard } of peers) {
      const { document } = await until(dashboard.state, ({ version }) => version >= truth.version);
      expect(document).toEqual(truth);
    }

    const history = await historyOf(first);
    const nothing = await first.dashboard.versionAt(0);
    const folded = history.reduce<DashboardDocument>((d, entry) => applyChange(d, entry.change), nothing);
    expect({ ...folded, epoch: truth.epoch, version: history.length }).toEqual(truth);
    expect(history.map(({ version }) => version)).toEqual(history.map((_, i) => i + 1));
    const committed = history.map((entry) => entry.id);
    expect(new Set(committed).size, 'no op is in the log twice').toBe(committed.length);
    for (const { id, state, ack } of outcomes) {
      if (ack) seen[ack.status]++;
      else if (state === 'settled') seen.withoutAck++;
      else seen.others++;
      if (ack?.status === 'applied' || ack?.status === 'merged') expect(committed).toContain(id);
      if (state === 'rejected' || state === 'conflicted') expect(committed).not.toContain(id);
    }
    const set = new Set(history.flatMap(({ change }) => Object.keys(change.settings?.set ?? {})));
    for (const { path, operation, by } of made.marks) {
      const kept = peers.some(({ client }) => client === by) || operation.current.getSnapshot().persisted;
      if (kept && !made.dropped.has(path)) {
        expect(set, `what was written at ${path} is not lost`).toContain(path);
        seen.marks++;
      }
    }
  } finally {
    for (const { client, line } of peers) {
      await client.destroy();
      seen.connections += line.proxy.accepted;
      await line.proxy.dispose();
    }
  }
}
