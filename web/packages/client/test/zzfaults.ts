/** A client's line that misbehaves as a network may, at the next message or at once. */
import { startProxy, type TestProxy } from '../../../testing/proxy.ts';
import type { TestServer } from '../../../testing/server.ts';

export interface FaultyLine {
  readonly proxy: TestProxy;
  /** To be given to a client as part of its platform. */
  readonly WebSocket: typeof WebSocket;
  /** The next op arrives twice. */
  twice(): void;
  /** The next op arrives after the message that follows it. */
  swap(): void;
  /** The next answer to an op is lost, and the connection with it. */
  loseAnswer(): void;
  /** No more faults; all that is held back goes on. */
  heal(): void;
}

/** Everything goes through a proxy of its own, which can cut and stall besides. */
export async function startFaultyLine(server: TestServer): Promise<FaultyLine> {
  const proxy = await startProxy(server.port);
  let fault: 'twice' | 'swap' | null = null;
  let losing = false;
  let held: (() => void) | undefined;

  class FaultySocket extends WebSocket {
    constructor(url: string | URL, protocols?: string | string[]) {
      super(url, protocols);
      // Before the client's own listener.
      this.addEventListener('message', (event) => { (globalThis as any).LOG?.(line, losing ? 'in(losing)' : 'in', String(event.data));
        if (!losing || !/^\{"type":"(ACK|NACK|CONFLICT_DETECTED)"/.test(String(event.data))) return;
        losing = false;
        event.stopImmediatePropagation();
        proxy.cut();
      });
    }

    override send(data: string): void {
      const now = fault; (globalThis as any).LOG?.(line, 'out ' + now, data);
      const isOp = /^\{"type":"(WIDGET_(UPDATE|DELETE|BATCH)|LAYOUT_|DASHBOARD_|CONFLICT_)/.test(data);
      if (isOp) fault = null;
      if (isOp && now === 'swap' && !held) {
        held = () => this.readyState === WebSocket.OPEN && super.send(data);
        return;
      }
      super.send(data);
      if (isOp && now === 'twice') super.send(data);
      release();
    }
  }

  function release(): void {
    const late = held;
    held = undefined;
    late?.();
  }

  const line = {
    proxy,
    WebSocket: FaultySocket as typeof WebSocket,
    twice: () => {
      fault = 'twice';
    },
    swap: () => {
      fault = 'swap';
    },
    loseAnswer: () => {
      losing = true;
    },
    heal() {
      fault = null;
      losing = false;
      proxy.stall(false);
      proxy.refuse(false);
      release();
    },
  };
  return line as FaultyLine;
}
