import { expect, test } from './scene.ts';

test('C1: the first lines that a newcomer types into the console work', async ({ open, server, rest }) => {
  await rest.create('hello', { note: { type: 'text', title: 'Note', config: { text: 'Hello' } } });
  const at = { url: server.url.replace('127.0.0.1', 'localhost') };
  const ana = await open('ana', '#/d/hello', { at });
  await ana.tile('Note').waitFor();
  const first = await ana.page.evaluate(
    (port) =>
      new Promise<string>((resolve, reject) => {
        const socket = new WebSocket(`ws://localhost:${port}/api/realtime?userId=test`);
        socket.onmessage = ({ data }) => resolve(data);
        socket.onerror = () => reject(new Error('it does not open'));
      }),
    server.port,
  );
  expect(JSON.parse(first)).toMatchObject({
    type: 'CONNECT',
    payload: { userId: 'test', protocol: 1, authRequired: false },
  });
});

test('H1: the endpoint tells a plain request where the WebSocket is', async ({ open, server }) => {
  const ana = await open('ana', '#/');
  const told = await ana.page.evaluate(async () => (await fetch('/api/realtime')).json());
  expect(told).toMatchObject({ status: 'ok', protocol: 1, wsUrl: `ws://127.0.0.1:${server.port}/api/realtime` });
});
