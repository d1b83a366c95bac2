// @vitest-environment node
import { createClient, type DashwireClient } from '@dashwire/client';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startServer, type TestServer } from '../../../../testing/server.ts';
import { copyId, type Import, Imports } from './imports.ts';

let server: TestServer;
let client: DashwireClient;

beforeAll(async () => {
  server = await startServer();
  client = createClient({ url: server.url, userId: 'ana', storage: 'memory', connect: false });
}, 120_000);

afterAll(async () => {
  await client.destroy();
  await server.dispose();
});

const file = (name: string, value: unknown) =>
  new File([typeof value === 'string' ? value : JSON.stringify(value)], name, { type: 'application/json' });
const panels = (...types: string[]) =>
  types.map((type, id) => ({ id, type, title: type, gridPos: { x: 0, y: id, w: 6, h: 1 } }));
const ours = (id: string, title: string) => ({
  format: 'dashwire.dashboard',
  formatVersion: 1,
  id,
  document: { settings: { title }, widgets: { a: { type: 'text' } }, layouts: {} },
});

/** Gives the files in, and waits until nothing more happens by itself. */
async function given(imports: Imports, ...files: File[]): Promise<readonly Import['state'][]> {
  await imports.add(files, client.dashboards, null);
  return imports.all.getSnapshot().map(({ state }) => state);
}

describe('Imports', () => {
  it('H3 takes several files at once, and a bad one keeps no other out', async () => {
    const states = await given(
      new Imports(),
      file('grafana.json', { title: 'Of Grafana', uid: 'gra', panels: panels('stat', 'nodeGraph') }),
      file('notes.txt', 'hello'),
      file('ours.json', ours('own', 'Our own')),
    );
    expect(states[0]).toMatchObject({ name: 'done', result: { id: 'gra', title: 'Of Grafana', drawn: 1, kept: 1 } });
    expect(states[1]).toMatchObject({ name: 'failed', problem: expect.stringContaining('no JSON') });
    expect(states[2]).toMatchObject({ name: 'done', result: { id: 'own', drawn: 1, kept: 0 } });
  });

  it('H3 gives Grafana’s file a free id, since nobody asked for the one that is taken', async () => {
    const grafana = { title: 'Twice', uid: 'twice', panels: [] };
    const states = await given(new Imports(), file('a.json', grafana), file('b.json', grafana));
    expect(states.map((state) => state.name === 'done' && state.result.id)).toEqual(['twice', 'twice-2']);
  });

  it('M9 asks about an export whose dashboard is there: a copy, or in its place', async () => {
    const imports = new Imports();
    await given(imports, file('a.json', ours('asked', 'First')));
    const [, second, third] = await given(
      imports,
      file('b.json', ours('asked', 'Second')),
      file('c.json', ours('asked', 'Third')),
    );
    expect([second, third]).toMatchObject([
      { name: 'exists', id: 'asked' },
      { name: 'exists', id: 'asked' },
    ]);
    const [, copied, replaced] = imports.all.getSnapshot();
    await imports.decide(copied?.key ?? 0, 'copy', client.dashboards);
    await imports.decide(replaced?.key ?? 0, 'replace', client.dashboards);
    const [, copy, whole] = imports.all.getSnapshot().map(({ state }) => state);
    expect(copy).toMatchObject({ name: 'done', replaced: false });
    expect(copy?.name === 'done' && copy.result.id).toMatch(/^asked-copy-[0-9a-z]{4}$/);
    expect(whole).toMatchObject({ name: 'done', replaced: true, result: { id: 'asked' } });
    expect((await client.dashboards.get('asked')).settings.title).toBe('Third');
  });

  it('R9 takes an import back by deleting what it made, but never what it replaced', async () => {
    const imports = new Imports();
    await given(imports, file('a.json', ours('undone', 'Not wanted')));
    const [one] = imports.all.getSnapshot();
    await imports.undo(one?.key ?? 0, client.dashboards);
    expect(imports.all.getSnapshot()[0]?.state.name).toBe('undone');
    const { dashboards } = await client.dashboards.list({ deleted: true });
    expect(dashboards.map(({ id }) => id)).toEqual(['undone']);

    await client.dashboards.create({ id: 'stays', title: 'Was there' });
    await given(imports, file('b.json', ours('stays', 'In its place')));
    const key = imports.all.getSnapshot()[1]?.key ?? 0;
    await imports.decide(key, 'replace', client.dashboards);
    await imports.undo(key, client.dashboards);
    expect(imports.all.getSnapshot()[1]?.state).toMatchObject({ name: 'done', replaced: true });
    expect((await client.dashboards.get('stays')).settings.title).toBe('In its place');
  });

  it('comes back to tell what became of a file that was on its way when the sheet was closed', async () => {
    const imports = new Imports();
    const all = imports.add([file('a.json', ours('late', 'Late')), file('b.json', 'x')], client.dashboards, null);
    imports.clear();
    expect(imports.all.getSnapshot()).toEqual([]);
    await all;
    expect(imports.all.getSnapshot()).toMatchObject([
      { file: 'a.json', state: { name: 'done', result: { id: 'late' } } },
      { file: 'b.json', state: { name: 'failed' } },
    ]);
    imports.clear();
    expect(imports.all.getSnapshot()).toEqual([]);
  });

  it('says what the server says of a file that only looks like a dashboard', async () => {
    const [state] = await given(new Imports(), file('a.json', { widgets: { 'a/b': {} } }));
    expect(state).toMatchObject({ name: 'failed', problem: expect.stringMatching(/^[A-Z].*\.$/) });
  });
});

describe('copyId', () => {
  it('D2 is an id however long the other one is', () => {
    expect(copyId('a'.repeat(128))).toMatch(/^[A-Za-z0-9._:-]{1,128}$/);
  });
});
