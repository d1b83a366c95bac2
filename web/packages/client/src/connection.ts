import type { ClientOptions, ConnectionStatus, Platform } from './api.ts';
import { Backoff } from './backoff.ts';
import type { Endpoints } from './endpoint.ts';
import { DashwireError } from './errors.ts';
import type { ClientMessage, Welcome } from './message.ts';
import { part } from './part.ts';
import { report } from './platform.ts';
import { Store } from './store.ts';
import {
  type Connection,
  type ConnectionEvents,
  closed,
  type Session,
  type SessionEnd,
  type SessionEvents,
  type Since,
} from './transport.ts';
import { openWebSocket } from './websocket.ts';
import { incompatible, protocol } from './wire.ts';

export interface ConnectionOptions {
  readonly endpoints: Endpoints;
  readonly platform: Platform;
  /** Who this client is (C6); attempts wait for it. */
  readonly clientId: string | Promise<string>;
  /** On a server without sign-in (C1). */
  readonly userId?: string;
  /** Asked before each attempt, and when a token is about to end. */
  readonly token?: ClientOptions['token'];
}

/** Makes a connection. Nothing happens before `start`. */
export function createConnection(options: ConnectionOptions): Connection {
  return new Machine(options);
}

/** A session that has held so long in ms makes the next failure the first again. */
const heldMs = 10_000;
/** How often a stream looks whether a WebSocket gets through by now. */
const probeMs = 30_000;
/** How many WebSockets must fail before a word of the server, in a row, to be thought blocked. */
const blockedAfter = 2;
/** How long the app may take to give a token, and the server to answer a plain GET. */
const tokenMs = 30_000;
const discoveryMs = 5000;

/** A session, or the attempt at one. Events of a line that is no longer `#line` or `#probe` change nothing. */
interface Line {
  readonly kind: Session['transport'];
  session?: Session;
  /** The server's CONNECT came. */
  welcome?: Welcome;
  open?: boolean;
}

class Machine implements Connection {
  readonly status: Store<ConnectionStatus>;
  readonly #options: ConnectionOptions;
  readonly #platform: Platform;
  readonly #backoff: Backoff;

  #events: ConnectionEvents | undefined;
  #line: Line | undefined;
  /** A WebSocket on trial while a stream carries everything. */
  #probe: Line | undefined;
  /** Of the attempts; what an older one still waits for is dropped. */
  #generation = 0;
  #timer: number | undefined;
  #probeTimer: number | undefined;

  /** How the next attempt goes. */
  #planned: Line['kind'];
  #follow: ReadonlyMap<string, Since | null> = new Map();
  #switchedOff = false;
  /** When the session opened, or the last one did; 0 = none has. */
  #openedAt = 0;
  /** WebSockets in a row that failed before the server's CONNECT. */
  #unheard = 0;
  /** A plain request got through just now: the next failure of a WebSocket before CONNECT shows that it is blocked. */
  #reachable = false;
  /** The server wanted another token, and one has been asked for. */
  #asked = false;

  constructor(options: ConnectionOptions) {
    this.#options = options;
    this.#platform = options.platform;
    this.#backoff = new Backoff(options.platform.random);
    this.#planned = options.platform.WebSocket ? 'websocket' : 'stream';
    this.status = new Store<ConnectionStatus>({
      state: 'initial',
      transport: null,
      attempt: 0,
      retryAt: null,
      since: options.platform.now(),
      error: null,
      sessionId: null,
      clientId: null,
      userId: null,
      limits: null,
      clockOffset: 0,
      latency: null,
    });
  }

  start(events: ConnectionEvents): void {
    if (this.#events || this.#state === 'closed') return;
    this.#events = events;
    const { window, document } = this.#platform;
    for (const type of ['online', 'pageshow']) window?.addEventListener(type, this.#wake);
    window?.addEventListener('offline', this.#cutOff);
    document?.addEventListener('visibilitychange', this.#wake);
    this.#connect();
  }

  send(message: ClientMessage): boolean {
    return this.#line?.open === true && this.#line.session?.send(message) === true;
  }

  follow(dashboards: ReadonlyMap<string, Since | null>): void {
    this.#follow = dashboards;
  }

  settle(state: 'catching-up' | 'live' | 'read-only'): void {
    if (!this.#line?.open) return;
    this.#set({ state: state === 'live' && this.#line.kind === 'stream' ? 'fallback' : state });
  }

  setOffline(offline: boolean): void {
    if (offline === this.#switchedOff) return;
    this.#switchedOff = offline;
    if (this.#events) this.#connect();
  }

  reconnect(): void {
    if (!this.#events || this.#switchedOff) return;
    if (this.#line) this.#check();
    else {
      this.#asked = false;
      this.#connect();
    }
  }

  async stop(): Promise<void> {
    this.#events = undefined;
    const { window, document } = this.#platform;
    for (const type of ['online', 'pageshow']) window?.removeEventListener(type, this.#wake);
    window?.removeEventListener('offline', this.#cutOff);
    document?.removeEventListener('visibilitychange', this.#wake);
    const down = this.#drop();
    this.#set({ state: 'closed', transport: null, retryAt: null, sessionId: null });
    await down;
  }

  /** The network may be back, or somebody looks at the page again: no waiting, and no trust in an old line. */
  #wake = (event: Event): void => {
    if (event.type === 'visibilitychange' && this.#hidden) return;
    if (this.#line) this.#check();
    else if (this.status.getSnapshot().retryAt !== null) this.#connect();
  };

  #cutOff = (): void => {
    if (this.#line) this.#ended(this.#line, { code: closed.broken, reason: 'this device has no network' });
  };

  get #state(): ConnectionStatus['state'] {
    return this.status.getSnapshot().state;
  }

  get #hidden(): boolean {
    return this.#platform.document?.visibilityState === 'hidden';
  }

  #set(change: Partial<ConnectionStatus>): void {
    const old = this.status.getSnapshot();
    const since = change.state && change.state !== old.state ? this.#platform.now() : old.since;
    this.status.set({ ...old, ...change, since });
  }

  /** Ends whatever is under way, without an event. */
  async #drop(): Promise<void> {
    this.#generation++;
    this.#platform.clearTimeout(this.#timer as number);
    this.#platform.clearTimeout(this.#probeTimer as number);
    const lines = [this.#line, this.#probe];
    this.#line = this.#probe = undefined;
    await Promise.all(lines.map((line) => line?.session?.close()));
  }

  /** Begins an attempt, in the place of what there is. */
  #connect(kind = this.#planned): void {
    const wasOpen = this.#line?.open;
    void this.#drop();
    const offline = this.#switchedOff || !this.#platform.online();
    const state = offline ? 'offline' : this.#backoff.attempt > 0 || this.#openedAt > 0 ? 'reconnecting' : 'connecting';
    this.#set({ state, transport: null, retryAt: null, sessionId: null });
    if (!this.#switchedOff) {
      this.#line = { kind };
      void this.#begin(this.#line);
    }
    if (wasOpen) this.#events?.lost();
  }

  /** Gets what an attempt needs, and opens the line. */
  async #begin(line: Line): Promise<void> {
    const { clientId, endpoints, token } = this.#options;
    const { setTimeout, clearTimeout } = this.#platform;
    const generation = this.#generation;
    const events = this.#eventsOf(line);
    try {
      const late = new Promise<never>((_, reject) => {
        const timer = setTimeout(() => reject(new Error(`no token came within ${tokenMs / 1000} s`)), tokenMs);
        if (line === this.#probe) this.#probeTimer = timer;
        else this.#timer = timer;
      });
      const stream = line.kind === 'stream' ? part(import('./stream.ts')) : undefined;
      const [id, bearer = null, opens] = await Promise.race([Promise.all([clientId, token?.(), stream]), late]);
      if (generation !== this.#generation) return;
      clearTimeout((line === this.#probe ? this.#probeTimer : this.#timer) as number);
      const common = { platform: this.#platform, clientId: id, token: bearer, events };
      line.session = opens
        ? opens.openStream({
            ...common,
            endpoints: { realtime: this.#named(endpoints.realtime), events: this.#named(endpoints.events) },
            follow: this.#follow,
          })
        : openWebSocket({ ...common, url: this.#named(endpoints.socket) });
    } catch (error) {
      if (generation === this.#generation)
        events.ended({ code: closed.broken, reason: error instanceof Error ? error.message : String(error) });
    }
  }

  /** An address with the user in it, where there is no sign-in (C1). */
  #named(url: URL): URL {
    const own = new URL(url);
    const { userId } = this.#options;
    if (userId !== undefined) own.searchParams.set('userId', userId);
    return own;
  }

  #eventsOf(line: Line): SessionEvents {
    return {
      welcome: (welcome) => {
        line.welcome = welcome;
        if (line === this.#line) this.#welcome(welcome);
      },
      opened: () => {
        line.open = true;
        if (line === this.#probe) this.#promote(line);
        else if (line === this.#line) this.#opened(line);
      },
      received: (message) => {
        if (line !== this.#line) return;
        try {
          this.#events?.received(message);
        } catch (error) {
          report(error); // a fault there must not end the session
        }
      },
      tokenWanted: () => {
        if (line === this.#line) void this.#renew(line);
      },
      latency: (latency) => {
        if (line === this.#line) this.#set({ latency });
      },
      ended: (end) => {
        if (line === this.#line) this.#ended(line, end);
        else if (line === this.#probe) {
          this.#probe = undefined;
          this.#probeLater();
        }
      },
    };
  }

  #welcome({ sessionId, clientId, userId, limits, serverTime }: Welcome): void {
    const known = this.status.getSnapshot();
    this.#set({
      state: this.#line?.open ? known.state : 'authenticating',
      transport: this.#line?.kind ?? null,
      sessionId,
      clientId: clientId ?? known.clientId,
      userId,
      limits,
      clockOffset: Date.parse(serverTime) - this.#platform.now() || 0,
    });
  }

  #opened(line: Line): void {
    this.#openedAt = this.#platform.monotonic();
    if (line.kind === 'websocket') this.#unheard = 0;
    else this.#probeLater();
    this.#set({ state: 'catching-up', transport: line.kind, attempt: 0, retryAt: null, error: null });
    this.#events?.opened();
  }

  /** Gives the session a fresh token (C3). Without one the server ends it in time, and the next attempt asks again. */
  async #renew(line: Line): Promise<void> {
    try {
      const token = await this.#options.token?.();
      if (token && line === this.#line) line.session?.authenticate(token);
    } catch {
      // As said: the end of the session is where this shows.
    }
  }

  #check(): void {
    this.#line?.session?.check();
    if (this.#line?.open && this.#line.kind === 'stream') this.#tryWebSocket();
  }

  #probeLater(): void {
    this.#platform.clearTimeout(this.#probeTimer as number);
    if (this.#platform.WebSocket) this.#probeTimer = this.#platform.setTimeout(() => this.#tryWebSocket(), probeMs);
  }

  #tryWebSocket(): void {
    if (this.#probe || !this.#platform.WebSocket) return;
    this.#platform.clearTimeout(this.#probeTimer as number);
    this.#probe = { kind: 'websocket' };
    void this.#begin(this.#probe);
  }

  /** A WebSocket got through: it takes over from the stream. The dashboards are asked for again, so nothing is missed. */
  #promote(line: Line): void {
    const stream = this.#line;
    this.#platform.clearTimeout(this.#probeTimer as number);
    this.#probe = undefined;
    this.#line = line;
    this.#planned = 'websocket';
    void stream?.session?.close();
    if (stream?.open) this.#events?.lost();
    if (line !== this.#line) return; // the app took the network away meanwhile
    if (line.welcome) this.#welcome(line.welcome);
    this.#opened(line);
  }

  #ended(line: Line, end: SessionEnd): void {
    if (line.open && this.#platform.monotonic() - this.#openedAt >= heldMs) {
      this.#backoff.reset();
      this.#asked = false;
    } else if (line.open) this.#backoff.broke();
    if (end.code === closed.replaced && this.#probe?.welcome) {
      // By the WebSocket on trial, whose second CONNECT is on its way.
      this.#line = this.#probe;
      this.#probe = undefined;
    } else {
      void this.#drop();
      this.#next(line, end);
    }
    if (line.open) this.#events?.lost();
  }

  /** What follows a session that has ended, or an attempt that has failed. */
  #next(line: Line, end: SessionEnd): void {
    const { code, reason } = end;
    const reachable = this.#reachable;
    this.#reachable = false;
    if (code === 'incompatible') this.#rest('incompatible', 'INVALID', `reload the page to update it: ${reason}`);
    else if (code === closed.forbidden) this.#rest('closed', 'FORBIDDEN', `the server does not let you in: ${reason}`);
    else if (code === closed.replaced) {
      this.#rest('closed', 'CLOSED', 'this was opened again elsewhere: go on there, or reconnect here');
    } else if (code === closed.signIn && (this.#asked || !this.#options.token)) {
      this.#rest('needs-auth', 'UNAUTHENTICATED', `sign in again: ${reason}`);
    } else if (code === closed.signIn) {
      this.#asked = true;
      this.#connect(line.kind);
    } else if (line.kind === 'stream') this.#wait(end, line.open ? 'stream' : undefined);
    else if (line.welcome || !this.#platform.online()) this.#wait(end);
    else if (reachable) this.#connect('stream');
    else if (++this.#unheard < blockedAfter) this.#wait(end);
    else void this.#discover(end);
  }

  /** No WebSocket gets through: is the server there for plain requests? Then it is tried once more, and then done without. */
  async #discover(end: SessionEnd): Promise<void> {
    const { fetch, setTimeout, clearTimeout } = this.#platform;
    const generation = this.#generation;
    const stop = new AbortController();
    this.#timer = setTimeout(() => stop.abort(), discoveryMs);
    let found = end;
    let reachable = false;
    try {
      const response = await fetch(this.#named(this.#options.endpoints.realtime), { signal: stop.signal });
      if (!response.ok)
        found = { ...end, reason: (await (await part(import('./problem.ts'))).problemOf(response)).message };
      else {
        const theirs = ((await response.json()) as { protocol?: unknown } | null)?.protocol;
        reachable = theirs === protocol;
        if (typeof theirs === 'number' && !reachable) found = incompatible(theirs);
      }
    } catch {
      // Not reachable: as it was found.
    }
    if (generation !== this.#generation) return;
    clearTimeout(this.#timer);
    if (!reachable) {
      if (found.code === 'incompatible') this.#next({ kind: 'websocket' }, found);
      else this.#wait(found);
    } else if (end.code === closed.heartbeat) this.#connect('stream');
    else {
      this.#reachable = true;
      this.#connect('websocket');
    }
  }

  #wait(
    { code, reason, afterMs }: SessionEnd,
    kind: Line['kind'] = this.#platform.WebSocket ? 'websocket' : 'stream',
  ): void {
    const slow =
      afterMs === null || code === closed.overloaded || code === closed.slowDown || code === closed.badMessages;
    const ms = this.#backoff.next({ window: afterMs, slow, hidden: this.#hidden });
    const { now, online, setTimeout } = this.#platform;
    this.#planned = kind;
    this.#set({
      state: online() ? 'reconnecting' : 'offline',
      transport: null,
      attempt: this.#backoff.attempt,
      retryAt: now() + ms,
      sessionId: null,
      error: new DashwireError('NETWORK', `the server is away${reason && `: ${reason}`}; it is tried again`, {
        retryable: true,
      }),
    });
    this.#timer = setTimeout(() => this.#connect(), ms);
  }

  /** Ends in a state that only a person leads out of. */
  #rest(state: ConnectionStatus['state'], code: string, message: string): void {
    const error = new DashwireError(code, message, { retryable: code === 'UNAUTHENTICATED' });
    this.#set({ state, transport: null, retryAt: null, sessionId: null, error });
  }
}
