/** A connection against real servers, with a core that writes down what it is told, and a page and a clock to steer. */
import { afterEach, expect } from 'vitest';
import { startProxy, type TestProxy } from '../../../testing/proxy.ts';
import { type ServerOptions, startServer, type TestServer } from '../../../testing/server.ts';
import type { ConnectionState, ConnectionStatus, Platform } from '../src/api.ts';
import { type ConnectionOptions, createConnection } from '../src/connection.ts';
import { endpoints } from '../src/endpoint.ts';
import type { ServerMessage } from '../src/message.ts';
import { platform } from '../src/platform.ts';
import type { Since } from '../src/transport.ts';

/** Ids of ops are unique among all clients of a user (M8). */
let ids = 0;

const cleanup: (() => Promise<void>)[] = [];
afterEach(async () => {
  for (const run of cleanup.splice(0).reverse()) await run();
});

export async function server(options?: ServerOptions): Promise<TestServer> {
  const started = await startServer(options);
  cleanup.push(() => started.dispose());
  return started;
}

export async function proxied(options?: ServerOptions): Promise<{ server: TestServer; proxy: TestProxy }> {
  const started = await server(options);
  const proxy = await startProxy(started.port);
  cleanup.push(() => proxy.dispose());
  return { server: started, proxy };
}

/** A clock that runs `speed` times as fast, and knows what timers are set. */
export function fastClock(speed: number) {
  const timers = new Set<number>();
  const waits: number[] = [];
  const began = performance.now();
  const clock = {
    monotonic: () => (performance.now() - began) * speed,
    setTimeout: (run: () => void, ms: number) => {
      waits.push(ms);
      const timer = Number(
        setTimeout(() => {
          timers.delete(timer);
          run();
        }, ms / speed),
      );
      timers.add(timer);
      return timer;
    },
    clearTimeout: (timer: number) => {
      timers.delete(timer);
      clearTimeout(timer);
    },
  } satisfies Partial<Platform>;
  return { clock, timers, waits };
}

/** What a page has of a window and a document, for the events that the connection hears. */
export class Page extends EventTarget {
  visibilityState = 'visible';
  listeners = 0;
  override addEventListener(...args: Parameters<EventTarget['addEventListener']>): void {
    this.listeners++;
    super.addEventListener(...args);
  }
  override removeEventListener(...args: Parameters<EventTarget['removeEventListener']>): void {
    this.listeners--;
    super.removeEventListener(...args);
  }
}

interface Options extends Partial<Omit<ConnectionOptions, 'platform' | 'endpoints'>> {
  readonly platform?: Partial<Platform>;
  /** What the core does when a session has opened; default: says that all is there. */
  readonly onOpen?: (client: Client) => void;
}

/** A connection with a core that writes down what it is told. */
export class Client {
  readonly states: ConnectionState[] = [];
  readonly told: string[] = [];
  readonly messages: ServerMessage[] = [];
  readonly #connection;

  constructor(url: string, { platform: given, onOpen, ...options }: Options = {}) {
    this.#connection = createConnection({
      endpoints: endpoints(url),
      platform: platform({ random: () => 0, ...given }),
      clientId: 'tab-1',
      userId: 'ana',
      ...options,
    });
    this.#connection.status.subscribe(() => {
      const { state } = this.status;
      if (state !== this.states.at(-1)) this.states.push(state);
    });
    cleanup.push(() => this.#connection.stop());
    this.#connection.start({
      opened: () => {
        this.told.push('opened');
        if (onOpen) onOpen(this);
        else this.#connection.settle('live');
      },
      received: (message) => {
        this.messages.push(message);
      },
      lost: () => this.told.push('lost'),
    });
  }

  get connection() {
    return this.#connection;
  }

  get status(): ConnectionStatus {
    return this.#connection.status.getSnapshot();
  }

  /** Resolves when the status is so; fails with what it was instead. */
  async until(what: ConnectionState | ((status: ConnectionStatus) => boolean)): Promise<ConnectionStatus> {
    const met = typeof what === 'string' ? (status: ConnectionStatus) => status.state === what : what;
    if (!met(this.status)) {
      await new Promise<void>((resolve, reject) => {
        const late = setTimeout(
          () => reject(new Error(`waited for ${what} in vain: ${JSON.stringify(this.status)}, after ${this.states}`)),
          30_000,
        );
        const stop = this.#connection.status.subscribe(() => {
          if (!met(this.status)) return;
          clearTimeout(late);
          stop();
          resolve();
        });
      });
    }
    return this.status;
  }

  /** Sends and gives the id. */
  send(type: string, payload: object, id = `m${++ids}`): string {
    expect(this.#connection.send({ type, id, payload })).toBe(true);
    return id;
  }

  /** The answer to a message. */
  async answer(id: string): Promise<ServerMessage> {
    return await this.message((message) => 'correlationId' in message && message.correlationId === id);
  }

  async message(test: (message: ServerMessage) => boolean): Promise<ServerMessage> {
    return await expect
      .poll(() => this.messages.find(test), { interval: 10 })
      .toBeDefined()
      .then(() => this.messages.find(test) as ServerMessage);
  }

  async subscribe(dashboardId: string, since?: Since): Promise<ServerMessage> {
    this.#connection.follow(new Map([[dashboardId, since ?? null]]));
    return await this.answer(this.send('SYNC_REQUEST', { dashboardId, since }));
  }

  /** Creates a widget and gives the answer. */
  async create(dashboardId: string, widgetId: string): Promise<ServerMessage> {
    return await this.answer(
      this.send('WIDGET_UPDATE', { dashboardId, widgetId, create: true, set: { '/title': widgetId } }),
    );
  }
}
