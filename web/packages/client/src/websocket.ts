import type { Platform } from './api.ts';
import type { ClientMessage, ServerMessage, Welcome } from './message.ts';
import { closed, type Session, type SessionEnd, type SessionEvents } from './transport.ts';
import { decode, encode, exceeds, incompatible } from './wire.ts';

export interface WebSocketOptions {
  readonly platform: Platform;
  /** `ws(s)://…/api/realtime`, with `userId` in its query where there is no sign-in. */
  readonly url: URL;
  readonly clientId: string;
  /** Null: without (a cookie signs in, or nobody needs to). */
  readonly token: string | null;
  readonly events: SessionEvents;
}

/** How long each step of opening may take: the upgrade with the server's CONNECT, then its second one. */
const openingMs = 10_000;
/** How long a line that was asked whether it is alive has to say so. */
const checkMs = 5000;

/**
 * Opens a session over a WebSocket (C1 to C6): the server's CONNECT, ours with name and token, its second one. From then
 * on it answers PING, measures with its own, and drops a line on which nothing came for too long (C4).
 */
export function openWebSocket({ platform, url, clientId, token, events }: WebSocketOptions): Session {
  const { monotonic, newId, setTimeout, clearTimeout } = platform;
  const Socket = platform.WebSocket as typeof WebSocket;
  const socket = new Socket(url, 'dashwire.v1');
  let state: 'connecting' | 'naming' | 'open' | 'ended' = 'connecting';
  let welcome: Welcome | undefined;
  let goodbye: SessionEnd | undefined;
  let heardAt = monotonic();
  /** The PING or CONNECT that is not answered yet, for the round trip. */
  let asked: { id: string; at: number } | undefined;
  let pingAt = heardAt;
  let timer = setTimeout(silent, openingMs);
  let down = () => {};

  socket.onmessage = ({ data }) => {
    if (state === 'ended') return;
    heardAt = monotonic();
    receive(decode(String(data)));
  };
  const shut = (code: number, reason: string) => {
    down();
    end(goodbye ?? { code, reason });
  };
  socket.onclose = ({ code, reason }) => shut(code, reason);
  // Not every platform goes on to close after an attempt that failed.
  socket.onerror = () => socket.readyState !== Socket.OPEN && shut(closed.broken, '');

  return {
    transport: 'websocket',
    send: (message) => {
      if (state !== 'open' || !welcome) return false;
      const text = encode(message);
      if (exceeds(text, welcome.limits.messageBytes)) return false;
      return transmit(text);
    },
    authenticate: (token) => ask('CONNECT', { token }),
    check: () => {
      if (state !== 'open') return;
      const since = heardAt;
      ask('PING', {});
      clearTimeout(timer);
      timer = setTimeout(() => (heardAt === since ? silent() : beat()), checkMs);
    },
    close: () => {
      if (state === 'ended') return Promise.resolve();
      if (state === 'open') transmit(encode({ type: 'DISCONNECT', id: newId(), payload: {} }));
      release();
      return new Promise((resolve) => {
        if (socket.readyState === Socket.CLOSED) return resolve();
        const late = setTimeout(resolve, 1000);
        down = () => {
          clearTimeout(late);
          resolve();
        };
        socket.close(1000);
      });
    },
  };

  function receive(message: ServerMessage): void {
    switch (message.kind) {
      case 'incompatible':
        end(incompatible(message.protocol));
        break;
      case 'connect':
        connected(message.welcome, message.correlationId);
        break;
      case 'disconnect':
        goodbye = { code: message.code, reason: message.reason, afterMs: message.afterMs };
        break;
      case 'ping':
        transmit(encode({ type: 'PONG', id: newId(), payload: {} }));
        break;
      case 'pong':
        measure(message.correlationId);
        break;
      case 'entries':
        message.entries.forEach(receive);
        break;
      default:
        if (state === 'open') events.received(message);
        else unexpected(message);
    }
  }

  /** Before the session is open it can only be our CONNECT that is refused, or a CONNECT that cannot be read. */
  function unexpected(message: ServerMessage): void {
    if (message.kind === 'nack') {
      const { code, message: reason } = message.nack;
      end({ code: code === 'UNAUTHENTICATED' ? closed.signIn : closed.badMessages, reason });
    } else if (message.kind === 'unknown') end({ code: closed.badMessages, reason: message.problem });
  }

  function connected(next: Welcome, correlationId?: string): void {
    welcome = next;
    measure(correlationId);
    events.welcome(next);
    if (state === 'connecting') {
      if (next.authRequired && token === null) end({ code: closed.signIn, reason: 'the server wants a token' });
      else name();
    } else if (state === 'naming' && correlationId) {
      state = 'open';
      beat();
      events.opened();
    } else if (state === 'open' && next.authRequired) events.tokenWanted();
  }

  function name(): void {
    state = 'naming';
    clearTimeout(timer);
    timer = setTimeout(silent, openingMs);
    ask('CONNECT', { clientId, token, heartbeat: 'app', entries: 'together' });
  }

  /** Watches the line (C4), and asks for a sign of life once in each interval. */
  function beat(): void {
    clearTimeout(timer);
    const { intervalMs, timeoutMs } = (welcome as Welcome).heartbeat;
    const now = monotonic();
    const left = heardAt + intervalMs + timeoutMs - now;
    if (now - pingAt >= intervalMs) ask('PING', {});
    if (left > 0) timer = setTimeout(beat, Math.min(left, pingAt + intervalMs - now));
    else silent();
  }

  function silent(): void {
    end({ code: closed.heartbeat, reason: 'nothing was heard from the server' });
  }

  function ask(type: 'PING' | 'CONNECT', payload: object): void {
    const message: ClientMessage = { type, id: newId(), payload };
    pingAt = monotonic();
    asked = { id: message.id, at: pingAt };
    transmit(encode(message));
  }

  function measure(correlationId?: string): void {
    if (asked && asked.id === correlationId) events.latency(Math.round(monotonic() - asked.at));
  }

  function transmit(text: string): boolean {
    if (socket.readyState !== Socket.OPEN) return false;
    socket.send(text);
    return true;
  }

  function release(): void {
    state = 'ended';
    clearTimeout(timer);
  }

  function end(how: SessionEnd): void {
    if (state === 'ended') return;
    release();
    socket.close();
    events.ended(how);
  }
}
