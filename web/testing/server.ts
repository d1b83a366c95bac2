/** A real server for tests: `dashwire serve` on a port of its own, with a data file in a fresh folder. */
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { binary } from './binary.ts';

export interface ServerOptions {
  /** A server on which one signs in, with a token of {@link token}; its data lives as long as its process. */
  readonly signIn?: boolean;
  /** Keep the live dashboard of this machine; default false. */
  readonly demo?: boolean;
  /** More flags of `dashwire serve`: `['--heartbeat=1s']`. */
  readonly args?: readonly string[];
  readonly env?: Readonly<Record<string, string>>;
}

export interface TestServer {
  /** `http://127.0.0.1:port` */
  readonly url: string;
  readonly port: number;
  /** All that the server printed. */
  readonly log: string;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
  /** SIGTERM: sessions are drained first (C7). Resolves when it is gone. */
  stop(): Promise<void>;
  /** Starts it again, on the same port and data; kills it first if it runs. Resolves when it is ready. */
  restart(): Promise<void>;
  /** Kills it and removes its data. */
  dispose(): Promise<void>;
  [Symbol.asyncDispose](): Promise<void>;
}

/** Starts a server and waits until it is ready. Dispose it: `await using server = await startServer()`. */
export async function startServer(options: ServerOptions = {}): Promise<TestServer> {
  const program = await binary(options.signIn ? './web/testing/testdata/signin' : './cmd/dashwire');
  const folder = mkdtempSync(join(tmpdir(), 'dashwire-data-'));
  const flags = [...(options.args ?? [])];
  if (!options.signIn) {
    flags.unshift(
      'serve',
      `--data=${join(folder, 'dashwire.db')}`,
      '--drain=300ms',
      options.demo ? '--demo' : '--no-demo',
    );
  }
  let port = freePort();
  let log = '';
  let child: ChildProcess | undefined;

  const server: TestServer = {
    get url() {
      return `http://127.0.0.1:${port}`;
    },
    get port() {
      return port;
    },
    get log() {
      return log;
    },
    kill: () => end('SIGKILL'),
    stop: () => end('SIGTERM'),
    async restart() {
      await end('SIGKILL');
      await start();
    },
    dispose,
    [Symbol.asyncDispose]: dispose,
  };

  try {
    for (let attempt = 1; ; attempt++) {
      try {
        await start();
        return server;
      } catch (error) {
        if (attempt === 10 || !log.includes('address already in use')) throw error;
        log = '';
        port = freePort();
      }
    }
  } catch (error) {
    await dispose();
    throw error;
  }

  async function start(): Promise<void> {
    child = spawn(program, [...flags, `--listen=127.0.0.1:${port}`], {
      env: { ...process.env, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const own = child;
    own.stdout?.on('data', (text) => {
      log += text;
    });
    own.stderr?.on('data', (text) => {
      log += text;
    });
    process.once('exit', killNow);
    const late = Date.now() + 60_000;
    for (;;) {
      if (own.exitCode !== null || own.signalCode !== null) throw new Error(`the server did not start:\n${log}`);
      if (Date.now() > late) throw new Error(`the server was not ready after 60 s:\n${log}`);
      const ready = await fetch(`http://127.0.0.1:${port}/readyz`).catch(() => null);
      await ready?.body?.cancel();
      if (ready?.ok) return;
      await delay(20);
    }
  }

  function killNow(): void {
    child?.kill('SIGKILL');
  }

  async function end(signal: 'SIGKILL' | 'SIGTERM'): Promise<void> {
    process.off('exit', killNow);
    const own = child;
    if (!own || own.exitCode !== null || own.signalCode !== null) return;
    const gone = new Promise((resolve) => own.once('exit', resolve));
    own.kill(signal);
    await gone;
  }

  async function dispose(): Promise<void> {
    await end('SIGKILL');
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A token for a server with `signIn`: its user has the role on every dashboard but those called `secret…`. */
export function token(
  user: string,
  role: 'viewer' | 'feeder' | 'editor' | 'owner' = 'owner',
  lastsMs = 3_600_000,
): string {
  return `${user}.${role}.${Date.now() + lastsMs}`;
}

/** A port beneath those that the system gives to outgoing connections, so that it is still free after a restart. */
function freePort(): number {
  return 20_000 + Math.floor(Math.random() * 12_000);
}
