/** A TCP proxy in front of a server, which a test makes the network misbehave with. */
import { once } from 'node:events';
import { type AddressInfo, connect, createServer, type Socket } from 'node:net';

export interface TestProxy {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  /** How many connections are open. */
  readonly open: number;
  /** How many connections came in so far. */
  readonly accepted: number;
  /** Resets all connections that are open. */
  cut(): void;
  /** From now on new connections are reset at once. */
  refuse(on: boolean): void;
  /** Holds back all bytes in both directions, of new connections too; false lets them go on. Nothing is lost. */
  stall(on: boolean): void;
  /**
   * What becomes of requests for a WebSocket: `403`, `drop` = the line is closed unanswered, `hang` = nothing at all; null
   * lets them through. Those that are open stay.
   */
  blockWebSocket(how: '403' | 'drop' | 'hang' | null): void;
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a proxy to a port of this machine. */
export async function startProxy(targetPort: number): Promise<TestProxy> {
  const pairs = new Set<readonly [Socket, Socket]>();
  let accepted = 0;
  let refused = false;
  let stalled = false;
  let blocked: '403' | 'drop' | 'hang' | null = null;

  const listener = createServer((near) => {
    accepted++;
    near.on('error', () => {}); // a reset is what a test wants to see at the other end
    if (refused) {
      near.resetAndDestroy();
      return;
    }
    const far = connect(targetPort, '127.0.0.1');
    const pair = [near, far] as const;
    pairs.add(pair);
    far.on('error', () => near.destroy());
    near.on('data', (bytes) => {
      if (blocked && /^upgrade:\s*websocket/im.test(bytes.toString('latin1'))) {
        if (blocked === '403') near.end('HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\nConnection: close\r\n\r\n');
        else if (blocked === 'drop') near.destroy();
        else return;
        far.destroy();
      } else if (!far.write(bytes)) near.pause();
    });
    far.on('data', (bytes) => {
      if (!near.write(bytes)) far.pause();
    });
    far.on('drain', () => stalled || near.resume());
    near.on('drain', () => stalled || far.resume());
    near.on('end', () => far.end());
    far.on('end', () => near.end());
    near.on('close', () => {
      far.destroy();
      pairs.delete(pair);
    });
    far.on('close', () => near.destroySoon());
    if (stalled) for (const socket of pair) socket.pause();
  });
  listener.listen(0, '127.0.0.1');
  await once(listener, 'listening');
  const { port } = listener.address() as AddressInfo;

  const proxy: TestProxy = {
    url: `http://127.0.0.1:${port}`,
    port,
    get open() {
      return pairs.size;
    },
    get accepted() {
      return accepted;
    },
    cut() {
      for (const [near, far] of pairs) {
        near.resetAndDestroy();
        far.destroy();
      }
    },
    refuse(on) {
      refused = on;
    },
    stall(on) {
      stalled = on;
      for (const pair of pairs) for (const socket of pair) on ? socket.pause() : socket.resume();
    },
    blockWebSocket(how) {
      blocked = how;
    },
    async dispose() {
      proxy.cut();
      listener.close();
      await once(listener, 'close');
    },
    [Symbol.asyncDispose]: () => proxy.dispose(),
  };
  return proxy;
}
