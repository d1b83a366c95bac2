import 'fake-indexeddb/auto';
import { IDBFactory } from 'fake-indexeddb';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../testing/server.ts';
import { createEncryption, type FieldEncryption, isLocked, newKey } from '../src/encryption/index.ts';
import type { Dashboard, Json, JsonObject, Operation, Widget } from '../src/index.ts';
import { connect, type TestClient, until } from './clients.ts';
import { type FaultyLine, startFaultyLine } from './faults.ts';

/** More of them with DASHWIRE_ENCRYPTED_RUNS. */
const runs = Number(process.env.DASHWIRE_ENCRYPTED_RUNS ?? 8);

let server: TestServer;
beforeAll(async () => {
  server = await startServer();
}, 120_000);
afterAll(() => server.dispose());

interface Peer {
  readonly user: string;
  readonly encryption: FieldEncryption;
  readonly line: FaultyLine;
  readonly open: () => TestClient;
  client: TestClient;
  dashboard: Dashboard;
}

/** What nobody but the two may ever read. Few values, so that people write the same. */
const secrets = ['secret-a', 'secret-b', 'secret-c', { limit: 'secret-d' }] as const;
const keys = { k1: newKey(), k2: newKey() };

const who = fc.nat({ max: 1 });
const ids = fc.constantFrom('a', 'b');
const secret = fc.constantFrom<Json>(...secrets);
const edits = fc.oneof(
  fc.record({ '/config/query': secret }),
  fc.record({ '/config/query': secret, '/title': fc.constantFrom<Json>('x', 'y') }),
  fc.record({ '/config': fc.record({ query: secret, unit: fc.constantFrom('%', 's') }) }),
  fc.record({ '/config/query/limit': fc.constant<Json>('secret-e') }),
);
const steps = fc.oneof(
  { weight: 8, arbitrary: fc.record({ who, id: ids, set: edits, ask: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ who, id: ids, changes: fc.record({ config: fc.record({ query: secret }) }) }) },
  { weight: 1, arbitrary: fc.record({ who, id: ids, unset: fc.constant('/config/query') }) },
  { weight: 1, arbitrary: fc.record({ who, id: ids, drop: fc.constant(true) }) },
  { weight: 1, arbitrary: fc.record({ who, id: ids, make: secret }) },
  { weight: 1, arbitrary: fc.record({ who, note: secret }) },
  { weight: 2, arbitrary: fc.record({ who, history: fc.constantFrom('undo' as const, 'redo' as const) }) },
  { weight: 2, arbitrary: fc.record({ who, turn: fc.constantFrom('k1', 'k2') }) },
  { weight: 3, arbitrary: fc.record({ who, fault: fc.constantFrom('cut', 'twice', 'loseAnswer', 'offline', 'heal') }) },
  { weight: 3, arbitrary: fc.record({ who, settleMs: fc.constantFrom(1, 20, 60) }) },
  { weight: 1, arbitrary: fc.record({ who, reload: fc.constant(true) }) },
);
type Step = typeof steps extends fc.Arbitrary<infer S> ? S : never;

const queryOf = ({ config }: Widget) => (config as JsonObject | undefined)?.query;

/** What came about in all runs, so that a test in which nothing happens fails. */
const seen = { settled: 0, conflicts: 0, sealed: 0 };

async function take(step: Step, peers: readonly Peer[], made: Operation[]): Promise<void> {
  const peer = peers[step.who] as Peer;
  const { client, dashboard, line, encryption } = peer;
  const edit = (run: () => Operation) => {
    try {
      made.push(run());
    } catch (error) {
      expect((error as { code?: string }).code).toBe('PATH'); // below what is no object
    }
  };
  if ('set' in step) edit(() => dashboard.updateWidget(step.id, { set: step.set }, step.ask ? { policy: 'ask' } : {}));
  else if ('changes' in step) {
    edit(() => dashboard.batch([{ type: 'WIDGET_UPDATE', widgetId: step.id, changes: step.changes }]));
  } else if ('unset' in step) edit(() => dashboard.updateWidget(step.id, { unset: [step.unset] }));
  else if ('drop' in step) edit(() => dashboard.deleteWidget(step.id));
  else if ('make' in step) {
    edit(() => dashboard.createWidget({ config: { query: step.make } }, { id: step.id }));
  } else if ('note' in step) edit(() => dashboard.updateSettings({ set: { '/note': step.note } }));
  else if ('history' in step) void dashboard[step.history]();
  else if ('turn' in step) {
    encryption.keys.use(step.turn);
    // Without a network it waits, and the run goes on.
    void encryption.reencrypt(client, dashboard.id).then(
      ({ sealed }) => {
        seen.sealed += sealed;
      },
      () => {},
    );
  } else if ('settleMs' in step) await client.waitForSync({ timeoutMs: step.settleMs });
  else if ('reload' in step) {
    await client.destroy();
    peer.client = peer.open();
    peer.dashboard = peer.client.dashboard(dashboard.id);
  } else if (step.fault === 'cut') line.proxy.cut();
  else if (step.fault === 'offline') client.setOffline(true);
  else if (step.fault === 'heal') client.setOffline(false);
  else line[step.fault]();
}

async function settle(peers: readonly Peer[]): Promise<void> {
  for (const { line, client } of peers) {
    line.heal();
    client.setOffline(false);
  }
  for (const { client } of peers) {
    // What stands behind a conflict waits for the decision.
    const decide = () => {
      for (const { id, fields } of client.conflicts.getSnapshot()) {
        seen.conflicts++;
        expect(JSON.stringify(fields)).not.toContain('eyJ');
        client.resolve(id, fields.length % 2 ? 'mine' : 'theirs');
      }
    };
    const stop = client.conflicts.subscribe(() => queueMicrotask(decide));
    decide();
    await client.waitForSync({ timeoutMs: 1 }); // what a reload left on the disk is here
    await until(client.sync, ({ pending, conflicts }) => pending === 0 && conflicts === 0);
    stop();
  }
}

test('two with the keys agree on everything, whatever happens, and nobody else can read it', async () => {
  let n = 0;
  await fc.assert(
    fc.asyncProperty(fc.array(steps, { minLength: 10, maxLength: 30 }), async (script) => {
      const id = `sealed-${n++}`;
      const peers: Peer[] = [];
      for (const user of ['ana', 'bo']) {
        const line = await startFaultyLine(server);
        const disk = new IDBFactory();
        const encryption = createEncryption({
          fields: { widgets: { '*': ['/config/query'] }, settings: ['/note'] },
          keys: { current: 'k1', keys },
        });
        const open = () =>
          connect(line.proxy, {
            userId: user,
            clientId: `tab-${user}`,
            storage: 'indexeddb',
            encryption,
            platform: { indexedDB: disk, WebSocket: line.WebSocket },
          });
        const client = open();
        const dashboard = client.dashboard(id);
        await until(dashboard.state, ({ status }) => status === 'ready');
        peers.push({ user, encryption, line, open, client, dashboard });
      }
      const made: Operation[] = [];
      try {
        const [ana] = peers as [Peer];
        for (const w of ['a', 'b']) {
          await ana.dashboard.createWidget({ title: 'x', config: { query: secrets[0] } }, { id: w }).done;
        }
        for (const step of script) await take(step, peers, made);
        await settle(peers);
        await settle(peers); // what one has decided may ask the other
        const response = await fetch(`${server.url}/api/dashboards/${id}?userId=root`);
        const { version } = (await response.json()) as { version: number };
        for (const { dashboard } of peers) await until(dashboard.state, (state) => state.version >= version);
        const [one, other] = peers.map(({ dashboard }) => dashboard.state.getSnapshot().document);
        expect(one).toEqual(other);
        const values = [one?.settings.note, ...Object.values(one?.widgets ?? {}).map((w) => queryOf(w))];
        for (const value of values) expect(isLocked(value)).toBe(false);
        for (const path of ['', '/history?limit=200', '/export']) {
          const text = await (
            await fetch(`${server.url}/api/dashboards/${id}${path}${path.includes('?') ? '&' : '?'}userId=root`)
          ).text();
          expect(text).toContain(id);
          expect(text).not.toContain('secret-');
        }
        for (const { current } of made) if (current.getSnapshot().state === 'settled') seen.settled++;
      } finally {
        for (const { client, line } of peers) {
          await client.destroy();
          await line.proxy.dispose();
        }
      }
    }),
    { numRuns: runs, interruptAfterTimeLimit: 150_000, endOnFailure: true },
  );
  expect(Math.min(...Object.values(seen)), JSON.stringify(seen)).toBeGreaterThan(0);
}, 240_000);
