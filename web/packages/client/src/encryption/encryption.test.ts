import 'fake-indexeddb/auto';
import { mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { IDBFactory } from 'fake-indexeddb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startServer, type TestServer } from '../../../../testing/server.ts';
import { caughtUp, connect, openDashboard, until } from '../../test/clients.ts';
import { startFaultyLine } from '../../test/faults.ts';
import type { ClientOptions, Dashboard, JsonObject, Widget } from '../index.ts';
import { isSealed, sealedPrefix } from '../sealing.ts';
import { createEncryption, type FieldEncryption, isLocked, newKey } from './index.ts';

let server: TestServer;
const folder = mkdtempSync(join(tmpdir(), 'dashwire-sealed-'));
beforeAll(async () => {
  server = await startServer({ args: [`--data=${join(folder, 'sealed.db')}`] });
});
afterAll(async () => {
  await server.dispose();
  rmSync(folder, { recursive: true, force: true });
});

const [first, second] = [newKey(), newKey()];
const fields = { widgets: { '*': ['/config/query', '/notes/*'] }, settings: ['/runbook'] };

/** With the first key, unless told otherwise. */
function encryption(keys: Parameters<typeof createEncryption>[0]['keys'] = { current: 'k1', keys: { k1: first } }) {
  return createEncryption({ fields, keys });
}

function person(userId: string, own: FieldEncryption | undefined = encryption(), options: ClientOptions = {}) {
  return connect(server, { userId, encryption: own, ...options });
}

/** What the server has of a dashboard. */
async function stored(id: string): Promise<{ settings: JsonObject; widgets: Record<string, JsonObject> }> {
  const response = await fetch(`${server.url}/api/dashboards/${id}?userId=root`);
  return (await response.json()) as Awaited<ReturnType<typeof stored>>;
}

const queryOf = (widget: Widget | undefined) => (widget?.config as JsonObject | undefined)?.query;
const config = (dashboard: Dashboard, id = 'cpu') => dashboard.widget(id).getSnapshot()?.config as JsonObject;

describe('an encrypted field', () => {
  test('is plain to those who have the key, and sealed for the server', async () => {
    await using ana = person('ana');
    await using bo = person('bo');
    const [a, b] = [await openDashboard(ana, 'plain'), await openDashboard(bo, 'plain')];
    const made = a.createWidget(
      { type: 'stat', title: 'CPU', config: { query: 'select 1', unit: '%' } },
      { id: 'cpu' },
    );
    expect(config(a)).toEqual({ query: 'select 1', unit: '%' });
    await made.done;
    await a.updateSettings({ set: { '/runbook': { url: 'https://wiki' }, '/title': 'Ops' } }).done;
    await a.updateWidget('cpu', { set: { '/notes/ana': 'secret note' } }).done;
    await caughtUp(b, a);
    expect(b.widget('cpu').getSnapshot()).toEqual({
      type: 'stat',
      title: 'CPU',
      config: { query: 'select 1', unit: '%' },
      notes: { ana: 'secret note' },
    });
    expect(b.settings.getSnapshot()).toEqual({ runbook: { url: 'https://wiki' }, title: 'Ops' });
    expect(a.state.getSnapshot().document).toEqual(b.state.getSnapshot().document);
    const { widgets, settings } = await stored('plain');
    const cpu = widgets.cpu as JsonObject;
    expect((cpu.config as JsonObject).unit).toBe('%');
    for (const value of [(cpu.config as JsonObject).query, (cpu.notes as JsonObject).ana, settings.runbook]) {
      expect(isSealed(value)).toBe(true);
    }
  });

  test('leaves nothing plain in the files of the server', async () => {
    await using ana = person('ana');
    const a = await openDashboard(ana, 'bytes');
    const words = ['topsecret-one', 'topsecret-two', 'topsecret-three', 'topsecret-four', 'topsecret-five'];
    const [one, two, three, four, five] = words as [string, string, string, string, string];
    await a.createWidget({ title: 'CPU', config: { query: one } }, { id: 'cpu' }).done;
    await a.updateWidget('cpu', { set: { '/config/query': two } }).done;
    await a.updateWidget('cpu', { set: { '/config': { query: three, unit: '%' } } }).done;
    await a.batch([{ type: 'WIDGET_UPDATE', widgetId: 'cpu', changes: { config: { query: four } } }]).done;
    await a.undo();
    await a.undo();
    await a.redo();
    const gesture = a.gesture();
    gesture.updateWidget('cpu', { set: { '/notes/x': five } });
    await gesture.commit()?.done;
    expect(a.widget('cpu').getSnapshot()).toEqual({
      title: 'CPU',
      config: { query: three, unit: '%' },
      notes: { x: five },
    });
    const look = () => {
      const entries = readdirSync(folder, { recursive: true, withFileTypes: true });
      const files = entries.filter((e) => e.isFile() && !e.name.endsWith('-lock'));
      const bytes = Buffer.concat(files.map((e) => readFileSync(join(e.parentPath, e.name))));
      expect(bytes.includes(sealedPrefix)).toBe(true);
      for (const word of words) expect(bytes.includes(word)).toBe(false);
    };
    look(); // the log ahead of the file
    await server.stop();
    look();
    await server.restart();
  });
});

/** Two people with the same key on a dashboard with a widget that both know. */
async function pair(id: string, options: { a?: FieldEncryption; b?: FieldEncryption } = {}) {
  const ana = person('ana', options.a);
  const bo = person('bo', options.b);
  const [a, b] = [await openDashboard(ana, id), await openDashboard(bo, id)];
  await a.createWidget({ type: 'stat', title: 'CPU', config: { query: 'was', unit: '%' } }, { id: 'cpu' }).done;
  await caughtUp(b, a);
  return {
    ana,
    bo,
    a,
    b,
    async [Symbol.asyncDispose]() {
      await Promise.all([ana.destroy(), bo.destroy()]);
    },
  };
}

async function offline(client: { setOffline(offline: boolean): void } & Pick<ReturnType<typeof person>, 'connection'>) {
  client.setOffline(true);
  await until(client.connection, ({ state }) => state === 'offline');
}

describe('without its key', () => {
  test('a field is locked, the rest of the widget works, and the key opens it when it comes', async () => {
    await using ana = person('ana');
    const own = encryption({ keys: {} });
    await using eve = person('eve', own);
    const [a, b] = [await openDashboard(ana, 'locked'), await openDashboard(eve, 'locked')];
    await a.createWidget({ title: 'CPU', config: { query: 'select 1', unit: '%' } }, { id: 'cpu' }).done;
    await caughtUp(b, a);
    const { query, unit } = config(b);
    expect(unit).toBe('%');
    expect(isLocked(query)).toBe(true);
    expect(query).toMatchObject({ $locked: 'missing', kid: 'k1' });
    expect(own.keys.state.getSnapshot().missing).toEqual(['k1']);

    await b.updateWidget('cpu', { set: { '/config/unit': 'GiB' } }).done;
    await b.updateWidget('cpu', { set: { '/config': { ...config(b), max: 100 } } }).done;
    for (const edit of [
      () => b.updateWidget('cpu', { set: { '/config/query': 'mine' } }),
      () => b.updateWidget('cpu', { unset: ['/config/query'] }),
      () => b.updateWidget('cpu', { unset: ['/config'] }),
      () => b.updateWidget('cpu', { set: { '/config': { unit: '%' } } }),
      () => b.updateWidget('cpu', { set: { '/config/query/deep': 1 } }),
      () => b.createWidget({ config: config(b) }, { id: 'copy' }),
    ]) {
      expect(edit).toThrow(expect.objectContaining({ code: 'LOCKED' }));
    }
    await caughtUp(a, b);
    expect(config(a)).toEqual({ query: 'select 1', unit: 'GiB', max: 100 });

    own.keys.add('k1', first);
    await until(b.widget('cpu'), (widget) => queryOf(widget) === 'select 1');
    own.keys.remove('k1');
    await until(b.widget('cpu'), (widget) => isLocked(queryOf(widget)));
  });

  test("a field can be replaced on purpose, with a key of one's own", async () => {
    const own = encryption({ current: 'k2', keys: { k2: second } });
    await using p = await pair('replaced', { b: own });
    const write = () => p.b.updateWidget('cpu', { set: { '/config/query': 'new' } });
    expect(write).toThrow(expect.objectContaining({ code: 'LOCKED', path: '/config/query' }));
    await p.b.updateWidget('cpu', { set: { '/config/query': 'new' } }, { overwriteLocked: true }).done;
    await caughtUp(p.a, p.b);
    expect(config(p.b).query).toBe('new');
    expect(config(p.a).query).toMatchObject({ $locked: 'missing', kid: 'k2' });
  });

  test('one cannot write a field at all, and nothing plain goes out', async () => {
    await using ana = person('ana', encryption({ keys: { k1: first } }));
    const a = await openDashboard(ana, 'keyless');
    await a.createWidget({ title: 'CPU' }, { id: 'cpu' }).done;
    const write = () => a.updateWidget('cpu', { set: { '/config/query': 'plain' } });
    expect(write).toThrow(expect.objectContaining({ code: 'LOCKED' }));
    expect(await a.updateWidget('cpu', { set: { '/config/unit': '%' } }).done).toMatchObject({ state: 'settled' });
  });

  test('a key that is looked up opens a field as soon as it is there; one that is not to be had says so', async () => {
    let come: (key: string) => void = () => {};
    const coming = new Promise<string>((resolve) => {
      come = resolve;
    });
    const asked: string[] = [];
    const lookup = (kid: string) => {
      asked.push(kid);
      return kid === 'k1' ? coming : null;
    };
    const own = encryption({ current: 'k1', lookup });
    await using p = await pair('lookup');
    await using eve = person('eve', own);
    const e = await openDashboard(eve, 'lookup');
    expect(config(e).query).toMatchObject({ $locked: 'opening', kid: 'k1' });
    const edit = e.updateWidget('cpu', { set: { '/notes/mine': 'kept until the key is here' } });
    expect(e.widget('cpu').getSnapshot()?.notes).toEqual({ mine: 'kept until the key is here' });
    expect(edit.current.getSnapshot().persisted).toBe(false);
    come(first);
    await until(e.widget('cpu'), (widget) => queryOf(widget) === 'was');
    expect((await edit.done).state).toBe('settled');
    expect(asked).toEqual(['k1']);
    own.keys.remove('k1');
    await until(e.widget('cpu'), (widget) => isLocked(queryOf(widget)));
    expect(config(e).query).toMatchObject({ $locked: 'missing' });
    own.keys.retry();
    await until(e.widget('cpu'), (widget) => queryOf(widget) === 'was');
    expect(asked).toEqual(['k1', 'k1']);
    await caughtUp(p.a, e);
    expect(p.a.widget('cpu').getSnapshot()?.notes).toEqual({ mine: 'kept until the key is here' });

    await using late = person('late', encryption({ current: 'k3', lookup }));
    const l = await openDashboard(late, 'lookup');
    const refused = await l.updateWidget('cpu', { set: { '/notes/late': 'never' } }).done;
    expect(refused).toMatchObject({ state: 'rejected', error: { code: 'LOCKED' } });
    expect(late.sync.getSnapshot()).toMatchObject({ state: 'rejected', rejected: 1 });
    expect(JSON.stringify(await stored('lookup'))).not.toContain('never');
  });

  test('what was put into another place, or changed by a bit, does not open', async () => {
    await using p = await pair('moved');
    const { widgets } = await stored('moved');
    const sealed = ((widgets.cpu as JsonObject).config as JsonObject).query as string;
    const flipped = `${sealed.slice(0, -2)}${sealed.at(-2) === 'A' ? 'Q' : 'A'}${sealed.at(-1)}`;
    // As a server that wants to deceive would.
    await using root = connect(server, { userId: 'root' });
    const r = await openDashboard(root, 'moved');
    await r.createWidget({ config: { query: sealed } }, { id: 'other' }).done;
    await r.createWidget({ config: { query: flipped } }, { id: 'damaged' }).done;
    await r.updateWidget('cpu', { set: { '/config/query': flipped, '/notes': { x: sealed } } }).done;
    await caughtUp(p.a, r);
    expect(config(p.a, 'other').query).toMatchObject({ $locked: 'moved' });
    expect(config(p.a, 'damaged').query).toMatchObject({ $locked: 'damaged' });
    expect(config(p.a, 'cpu').query).toMatchObject({ $locked: 'damaged' });
    expect(p.a.widget('cpu').getSnapshot()?.notes).toMatchObject({ x: { $locked: 'moved' } });
  });
});

describe('by value', () => {
  test('M7 writing what is there sends the bytes that are there', async () => {
    await using p = await pair('unchanged');
    const before = await stored('unchanged');
    const same = await p.b.updateWidget('cpu', { set: { '/config/query': 'was' } }).done;
    expect(same.ack?.status).toBe('unchanged');
    const whole = await p.b.updateWidget('cpu', { set: { '/config': { ...config(p.b) } } }).done;
    expect(whole.ack?.status).toBe('unchanged');
    expect(await stored('unchanged')).toMatchObject({ widgets: before.widgets });
  });

  test('M3 two who write the same do not clash', async () => {
    await using p = await pair('equal');
    await offline(p.ana);
    const mine = p.a.updateWidget('cpu', { set: { '/config/query': 'same' } }, { policy: 'ask' });
    await p.b.updateWidget('cpu', { set: { '/config/query': 'same' } }).done;
    const told: unknown[] = [];
    p.ana.on('overwritten', (event) => told.push(event));
    p.ana.setOffline(false);
    expect(await mine.done).toMatchObject({ state: 'settled' });
    expect(p.ana.sync.getSnapshot()).toMatchObject({ state: 'saved', conflicts: 0 });
    expect(told).toEqual([]);
  });

  test('M6 overwriting an equal value is not told, another one is, in plain', async () => {
    await using p = await pair('overwritten');
    const told: unknown[] = [];
    p.ana.on('overwritten', ({ mine, overwrote }) => mine && told.push(overwrote?.[0]?.value));
    for (const [theirs, mine] of [
      ['same', 'same'],
      ['theirs', 'mine'],
    ]) {
      await offline(p.ana);
      const edit = p.a.updateWidget('cpu', { set: { '/config/query': mine as string } }, { policy: 'overwrite' });
      await p.b.updateWidget('cpu', { set: { '/config/query': theirs as string } }).done;
      p.ana.setOffline(false);
      expect((await edit.done).ack?.overwrote).toHaveLength(1);
    }
    expect(told).toEqual(['theirs']);
  });

  test('M10 a clash shows what was, mine and theirs, and is decided on', async () => {
    await using p = await pair('clash');
    await offline(p.ana);
    const mine = p.a.updateWidget('cpu', { set: { '/config/query': 'mine', '/title': 'Mine' } }, { policy: 'ask' });
    await p.b.updateWidget('cpu', { set: { '/config/query': 'theirs', '/title': 'Theirs' } }).done;
    p.ana.setOffline(false);
    const { conflict } = await mine.done;
    expect(conflict?.fields.map(({ path, base, mine, theirs }) => [path, base, mine, theirs])).toEqual([
      ['/config/query', 'was', 'mine', 'theirs'],
      ['/title', 'CPU', 'Mine', 'Theirs'],
    ]);
    const choice = { '/config/query': { value: 'both' }, '/title': 'mine' } as const;
    expect(await p.ana.resolve(conflict?.id ?? '', choice)?.done).toMatchObject({ state: 'settled' });
    await caughtUp(p.b, p.a);
    expect(p.b.widget('cpu').getSnapshot()).toMatchObject({ title: 'Mine', config: { query: 'both' } });
    expect(JSON.stringify(await stored('clash'))).not.toContain('both');
  });

  test('M9 a widget that was only sealed anew can be deleted', async () => {
    const keys = { k1: first, k2: second };
    const own = encryption({ current: 'k2', keys });
    await using p = await pair('resealed', { a: encryption({ current: 'k1', keys }), b: own });
    await offline(p.ana);
    const mine = p.a.deleteWidget('cpu', { policy: 'ask' });
    expect(await own.reencrypt(p.bo, 'resealed')).toEqual({ sealed: 1, left: 0, locked: [] });
    p.ana.setOffline(false);
    expect(await mine.done).toMatchObject({ state: 'settled' });
    expect(p.ana.conflicts.getSnapshot()).toEqual([]);
  });

  test("M13 undo takes back one's own edits, over what others have only sealed anew", async () => {
    const keys = { k1: first, k2: second };
    const [mine, theirs] = [encryption({ current: 'k1', keys }), encryption({ current: 'k2', keys })];
    await using p = await pair('undo', { a: mine, b: theirs });
    await p.a.updateWidget('cpu', { set: { '/config/query': 'one' } }).done;
    await p.a.updateWidget('cpu', { set: { '/config/query': 'two' } }).done;
    await caughtUp(p.b, p.a);
    expect(await theirs.reencrypt(p.bo, 'undo')).toMatchObject({ sealed: 1 });
    await caughtUp(p.a, p.b);
    expect((await p.a.undo())?.skipped).toEqual([]);
    expect(config(p.a).query).toBe('one');
    expect((await p.a.undo())?.skipped).toEqual([]);
    expect(config(p.a).query).toBe('was');
    await p.a.redo();
    await p.a.redo();
    await caughtUp(p.b, p.a);
    expect(config(p.b).query).toBe('two');
    await p.b.updateWidget('cpu', { set: { '/config/query': 'theirs' } }).done;
    await caughtUp(p.a, p.b);
    expect((await p.a.undo())?.skipped).toEqual(['/config/query']);
    expect(config(p.a).query).toBe('theirs');
  });
});

describe('keys', () => {
  test('rotate: reencrypt moves what is in plain or under an older key, is no undo step, and merges with edits', async () => {
    await using root = connect(server, { userId: 'root' });
    const r = await openDashboard(root, 'rotate');
    await r.createWidget({ config: { query: 'plain' } }, { id: 'plain' }).done;
    const keys = { k1: first, k2: second };
    const mine = encryption({ current: 'k1', keys });
    await using p = await pair('rotate', { a: mine, b: encryption({ keys: { k2: second } }) });
    expect(config(p.a, 'plain').query).toBe('plain');
    expect(config(p.b).query).toMatchObject({ $locked: 'missing', kid: 'k1' });
    mine.keys.use('k2');
    await offline(p.bo);
    const beside = p.b.updateWidget('cpu', { set: { '/config/unit': 'GiB' } });
    expect(await mine.reencrypt(p.ana, 'rotate')).toEqual({ sealed: 2, left: 0, locked: [] });
    expect(p.a.undoState.getSnapshot().undoLabel).toBe('Add CPU');
    p.bo.setOffline(false);
    expect(await beside.done).toMatchObject({ state: 'settled', ack: { status: 'merged' } });
    await caughtUp(p.a, p.b);
    await caughtUp(p.b, p.a);
    expect([config(p.b).query, config(p.b, 'plain').query]).toEqual(['was', 'plain']);
    expect(await mine.reencrypt(p.ana, 'rotate')).toEqual({ sealed: 0, left: 0, locked: [] });
  });

  test('a copy of a dashboard opens once it is taken over', async () => {
    const mine = encryption();
    await using p = await pair('source', { a: mine });
    const { id } = await p.ana.dashboards.duplicate('source');
    const copy = await openDashboard(p.ana, id);
    expect(config(copy).query).toMatchObject({ $locked: 'moved', kid: 'k1' });
    expect(await mine.reencrypt(p.ana, id)).toMatchObject({ sealed: 0, locked: [{ why: 'moved' }] });
    expect(await mine.reencrypt(p.ana, id, { from: 'source' })).toEqual({ sealed: 1, left: 0, locked: [] });
    expect(config(copy).query).toBe('was');
  });

  test('history, versions, restore, export and import keep what is sealed', async () => {
    await using p = await pair('history');
    const { version } = p.a.state.getSnapshot();
    await p.a.updateWidget('cpu', { set: { '/config/query': 'now' } }).done;
    const { entries } = await p.a.history({ limit: 1 });
    expect(entries[0]?.change).toEqual({ widgets: { cpu: { set: { '/config/query': 'now' } } } });
    expect((await p.a.versionAt(version)).widgets.cpu?.config).toEqual({ query: 'was', unit: '%' });
    expect((await p.ana.dashboards.get('history')).widgets.cpu?.config).toEqual({ query: 'now', unit: '%' });
    await p.a.restore(version);
    await until(p.a.widget('cpu'), (widget) => queryOf(widget) === 'was');
    const text = await p.ana.dashboards.export('history');
    expect(text).not.toContain('"was"');
    await p.ana.dashboards.delete('history');
    await p.ana.dashboards.import(text, { id: 'history' });
    const again = p.ana.dashboard('history');
    await until(again.widget('cpu'), (widget) => queryOf(widget) === 'was');
  });
});

describe('on this device', () => {
  test('the outbox keeps nothing plain, opens after a reload, and M8 sends the same bytes again', async () => {
    const disk = new IDBFactory();
    const line = await startFaultyLine(server);
    const sent: string[] = [];
    class Recorded extends line.WebSocket {
      override send(data: string): void {
        if (data.includes('WIDGET_UPDATE')) sent.push(data.replace(/"age":\d+/, ''));
        super.send(data);
      }
    }
    const open = () =>
      connect(line.proxy, {
        userId: 'ana',
        clientId: 'tab',
        storage: 'indexeddb',
        encryption: encryption(),
        platform: { indexedDB: disk, WebSocket: Recorded },
      });
    const ana = open();
    const a = await openDashboard(ana, 'device');
    await a.createWidget({ config: { query: 'was' } }, { id: 'cpu' }).done;
    line.proxy.stall(true);
    const lost = a.updateWidget('cpu', { set: { '/config/query': 'twice' } });
    await until(lost.current, ({ state }) => state === 'in-flight');
    line.proxy.cut();
    line.proxy.stall(false);
    expect(await lost.done).toMatchObject({ state: 'settled' });
    const again = sent.filter((data) => data.includes(lost.id));
    expect(again).toHaveLength(2);
    expect(again[0]).toBe(again[1]);

    await offline(ana);
    const kept = a.updateWidget('cpu', { set: { '/config/query': 'unseen words', '/title': 'CPU' } });
    await until(kept.current, ({ persisted }) => persisted);
    const database = await new Promise<IDBDatabase>((resolve) => {
      const request = disk.open('dashwire', 1);
      request.onsuccess = () => resolve(request.result);
    });
    const rows = await new Promise<unknown>((resolve) => {
      const request = database.transaction('ops').objectStore('ops').getAll();
      request.onsuccess = () => resolve(request.result);
    });
    database.close();
    expect(rows).toHaveLength(1);
    expect(JSON.stringify(rows)).toContain(sealedPrefix);
    expect(JSON.stringify(rows)).not.toContain('unseen words');
    await ana.destroy();

    await using next = open();
    const n = next.dashboard('device');
    await until(n.widget('cpu'), (widget) => queryOf(widget) === 'unseen words');
    await next.waitForSync({ timeoutMs: 5000 });
    expect(JSON.stringify(await stored('device'))).not.toContain('unseen words');
    await line.proxy.dispose();
  });

  test('labels say nothing of what is encrypted', async () => {
    const own = createEncryption({
      fields: { widgets: { '*': ['/title'] } },
      keys: { current: 'k1', keys: { k1: first } },
    });
    await using ana = person('ana', own);
    const a = await openDashboard(ana, 'labels');
    const made = a.createWidget({ title: 'Payroll' }, { id: 'w1' });
    const renamed = a.updateWidget('w1', { set: { '/title': 'Wages' } }, { policy: 'ask' });
    const moved = a.move({ w1: { x: 3 } });
    for (const { current } of [made, renamed, moved]) {
      expect(current.getSnapshot().label).not.toMatch(/Payroll|Wages|eyJ/);
      expect(JSON.stringify(current.getSnapshot().op)).not.toMatch(/Payroll|Wages/);
    }
    await ana.waitForSync({ timeoutMs: 5000 });
    expect(a.undoState.getSnapshot().undoLabel).toBe('Move w1');
    expect(a.widget('w1').getSnapshot()?.title).toBe('Wages');
  });

  test('D5 the limit of a message counts what is sealed', async () => {
    await using ana = person('ana');
    const a = await openDashboard(ana, 'large');
    await a.createWidget({ title: 'CPU' }, { id: 'cpu' }).done;
    const { messageBytes = 0 } = ana.connection.getSnapshot().limits ?? {};
    const edit = a.updateWidget('cpu', { set: { '/config/query': 'x'.repeat(Math.floor(messageBytes * 0.9)) } });
    expect(await edit.done).toMatchObject({ state: 'rejected', error: { code: 'TOO_LARGE' } });
  });
});
