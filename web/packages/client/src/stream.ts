import type { Platform } from './api.ts';
import type { Endpoints } from './endpoint.ts';
import type { Json } from './json.ts';
import type { ClientMessage, NackPayload, ServerMessage, Welcome } from './message.ts';
import { problemOf } from './problem.ts';
import { closed, type Session, type SessionEnd, type SessionEvents, type Since } from './transport.ts';
import { byteLength, decode, decodeJson, encode, exceeds, incompatible } from './wire.ts';

export interface StreamOptions {
  readonly platform: Platform;
  /** With `userId` in their queries where there is no sign-in. */
  readonly endpoints: Pick<Endpoints, 'realtime' | 'events'>;
  readonly clientId: string;
  readonly token: string | null;
  /** The dashboards to begin with, and what is known of them. */
  readonly follow: ReadonlyMap<string, Since | null>;
  readonly events: SessionEvents;
}

/** How long the server may take to begin a stream. */
const openingMs = 10_000;
/** How long it may take to answer a POST. */
const answeringMs = 20_000;
/** How long a stream may have been quiet to be thought alive without asking. */
const freshMs = 5000;
/** When what could not be sent is worth another try. */
const retryMs = 1000;

/**
 * Opens a session over HTTP (H1, H2): Server-Sent Events, read with fetch so that a token can go along, and POST for what
 * is sent, one at a time with all that has gathered. What a SYNC_REQUEST asks for comes by opening the stream anew, from
 * where each dashboard stands; its answer names the request, as over a WebSocket.
 */
export function openStream(options: StreamOptions): Session {
  const { platform, endpoints, clientId, events } = options;
  const { monotonic, fetch, setTimeout, clearTimeout } = platform;
  let { token } = options;
  let state: 'opening' | 'open' | 'ended' = 'opening';
  let welcome: Welcome | undefined;
  let goodbye: SessionEnd | undefined;

  /** Where each dashboard stands that the stream follows. */
  const followed = new Map(options.follow);
  /** Those of which the present stream has not told yet. */
  let awaited = new Set<string>();
  /** By dashboard, the SYNC_REQUEST that is not answered yet. */
  const asked = new Map<string, string>();
  /** What this session shows of itself, for when the stream is opened anew. */
  const shown = new Map<string, ClientMessage>();

  let reading = new AbortController();
  let heardAt = monotonic();
  let watch: number | undefined;
  /** Made up here, told in a turn of their own. */
  const due: ServerMessage[] = [];
  let reopening = false;
  let turn: number | undefined;

  const queue: { message: ClientMessage; at: number }[] = [];
  let posting: AbortController | undefined;
  /** How many of the queue are sent one by one, since together they were refused. */
  let alone = 0;

  void read();

  return {
    transport: 'stream',
    send: (message) => {
      if (state !== 'open' || !welcome) return false;
      if (message.type === 'SYNC_REQUEST') return request(message, message.payload as SyncRequest);
      if (exceeds(encode(message), welcome.limits.messageBytes)) return false;
      if (message.type === 'PRESENCE') shown.set((message.payload as SyncRequest).dashboardId, message);
      queue.push({ message, at: monotonic() });
      soon();
      return true;
    },
    authenticate: (fresh) => {
      token = fresh;
      void read();
    },
    check: () => {
      if (state === 'open' && monotonic() - heardAt > freshMs) void read();
    },
    close: async () => release(),
  };

  /** Takes a SYNC_REQUEST: what the stream is about to tell anyway is only given its name. */
  function request({ id }: ClientMessage, { dashboardId, since = null, unsubscribe }: SyncRequest): boolean {
    const most = (welcome as Welcome).limits.dashboards;
    if (unsubscribe) {
      followed.delete(dashboardId);
      shown.delete(dashboardId);
      asked.delete(dashboardId);
      due.push(decodeJson({ type: 'SYNC_RESPONSE', correlationId: id, payload: { dashboardId, mode: 'none' } }));
    } else if (!followed.has(dashboardId) && followed.size >= most) {
      const message = `only ${most} dashboards are followed: close one first`;
      due.push(refusal(id, { code: 'LIMIT_EXCEEDED', message, retryable: false }));
      soon();
      return true;
    } else {
      asked.set(dashboardId, id);
      const known = followed.get(dashboardId);
      if (awaited.has(dashboardId) && known?.epoch === since?.epoch && known?.version === since?.version) return true;
      followed.set(dashboardId, since);
    }
    reopening = true;
    soon();
    return true;
  }

  /** Does what has gathered, after the caller's turn. */
  function soon(): void {
    turn ??= setTimeout(() => {
      turn = undefined;
      for (const message of due.splice(0)) tell(message);
      if (reopening) void read();
      void post();
    }, 0);
  }

  function tell(message: ServerMessage): void {
    if (state !== 'ended') events.received(message);
  }

  /** Opens the stream, in the place of the one there is. */
  async function read(): Promise<void> {
    if (state === 'ended') return;
    reopening = false;
    goodbye = undefined;
    reading.abort();
    const own = new AbortController();
    reading = own;
    awaited = new Set(followed.keys());
    heardAt = monotonic();
    const began = heardAt;
    let open = false;
    const listen = () => {
      clearTimeout(watch as number);
      const { intervalMs, timeoutMs } = welcome?.heartbeat ?? { intervalMs: 0, timeoutMs: openingMs };
      const left = heardAt + (open ? intervalMs + timeoutMs : openingMs) - monotonic();
      if (left > 0) watch = setTimeout(listen, left);
      else end({ code: closed.heartbeat, reason: 'nothing was heard from the server' });
    };
    listen();

    const url = new URL(endpoints.events);
    url.searchParams.set('clientId', clientId);
    const since: Record<string, Since> = {};
    for (const [id, at] of followed) {
      url.searchParams.append('dashboardId', id);
      if (at) since[id] = at;
    }
    url.searchParams.set('since', JSON.stringify(since));
    try {
      const response = await fetch(url, { headers: headers(), signal: own.signal, cache: 'no-store' });
      if (!response.ok) {
        const problem = await problemOf(response);
        if (own === reading) refused(response, problem);
        return;
      }
      for await (const text of eventData(response, () => {
        heardAt = monotonic();
      })) {
        if (own !== reading) return;
        receive(decode(text));
        if (open || state !== 'open') continue;
        open = true;
        events.latency(Math.round(heardAt - began));
        listen();
      }
      if (own === reading) end(goodbye ?? { code: closed.broken, reason: 'the event stream ended' });
    } catch {
      if (own === reading) end({ code: closed.broken, reason: 'the event stream ended' });
    }
  }

  /** The server began no stream. */
  function refused(response: Response, problem: NackPayload): void {
    if (['NOT_FOUND', 'INVALID_ID'].includes(problem.code) && followed.size > 0) {
      // None of them may be seen, or can be: the stream goes on without, for messages of the app and for what comes later.
      if (isOpen())
        for (const id of followed.keys()) due.push(notFollowed(id, { ...problem, path: `dashboardId:${id}` }));
      followed.clear();
      reopening = true;
      soon();
      return;
    }
    end({
      code: response.status === 401 ? closed.signIn : closed.broken,
      reason: problem.message,
      afterMs: problem.retryAfterMs ? [problem.retryAfterMs, 2 * problem.retryAfterMs] : undefined,
    });
  }

  function receive(message: ServerMessage): void {
    switch (message.kind) {
      case 'incompatible':
        end(incompatible(message.protocol));
        break;
      case 'connect':
        connected(message.welcome);
        break;
      case 'disconnect':
        goodbye = { code: message.code, reason: message.reason, afterMs: message.afterMs };
        break;
      case 'sync-response':
        answered(message);
        break;
      case 'nack':
        tell(notFollowed(/^dashboardId:(.+)/.exec(message.nack.path ?? '')?.[1], message.nack));
        break;
      default:
        if (message.kind === 'closed') followed.delete(message.dashboardId);
        if (message.kind === 'entry') reached(message.entry);
        if (message.kind === 'sync-update') reached(message);
        tell(message);
    }
  }

  function connected(next: Welcome): void {
    welcome = next;
    events.welcome(next);
    if (state === 'opening') {
      state = 'open';
      events.opened();
    }
    if (next.authRequired) events.tokenWanted();
  }

  function reached({ dashboardId, epoch, version }: Since & { dashboardId: string }): void {
    if (followed.has(dashboardId)) followed.set(dashboardId, { epoch, version });
  }

  function answered(message: ServerMessage & { kind: 'sync-response' }): void {
    const { dashboardId, part, parts } = message.response;
    const correlationId = awaited.has(dashboardId) ? asked.get(dashboardId) : undefined;
    const last = part === parts;
    if (last) {
      reached(message.response);
      if (awaited.delete(dashboardId)) asked.delete(dashboardId);
    }
    tell({ ...message, correlationId });
    const presence = last && shown.get(dashboardId);
    if (presence) {
      queue.push({ message: presence, at: monotonic() });
      soon();
    }
  }

  /** A dashboard that the stream does not follow after all; a NACK of something else passes as it is. */
  function notFollowed(dashboardId: string | undefined, nack: NackPayload): ServerMessage {
    const id = dashboardId && asked.get(dashboardId);
    if (dashboardId) {
      followed.delete(dashboardId);
      asked.delete(dashboardId);
    }
    return refusal(id, nack);
  }

  /** Sends what has gathered. The next POST waits for this one's answer, so that order is kept. */
  async function post(): Promise<void> {
    if (posting || state !== 'open' || !welcome || queue.length === 0) return;
    const own = new AbortController();
    posting = own;
    const { operations, messageBytes } = welcome.limits;
    const texts: string[] = [];
    const sent: typeof queue = [];
    /** Ops get an answer; presence and values only if they are refused. */
    const open = new Set<string>();
    for (let bytes = 0; queue.length > 0 && texts.length < (alone > 0 ? 1 : operations); queue.shift()) {
      const item = queue[0] as (typeof queue)[number];
      const { message, at } = item;
      const age = message.age === undefined ? undefined : message.age + Math.round(monotonic() - at);
      const text = encode({ ...message, age });
      bytes += byteLength(text);
      if (bytes > messageBytes && texts.length > 0) break;
      texts.push(text);
      sent.push(item);
      if (message.type !== 'PRESENCE' && message.type !== 'WIDGET_DATA') open.add(message.id);
    }
    const late = setTimeout(() => own.abort(), answeringMs);
    let failure: NackPayload = { code: 'NETWORK', message: 'the server could not be reached', retryable: true };
    try {
      const response = await fetch(endpoints.realtime, {
        method: 'POST',
        headers: { ...headers(), 'Content-Type': 'application/json', 'Dashwire-Session': welcome.sessionId },
        body: `{"type":"SYNC","clientId":${JSON.stringify(clientId)},"operations":[${texts.join()}]}`,
        signal: own.signal,
      });
      if (response.ok) {
        const { results } = (await response.json()) as { results?: unknown };
        for (const result of Array.isArray(results) ? (results as Json[]) : []) {
          const message = decodeJson(result);
          if ('correlationId' in message && message.correlationId !== undefined) open.delete(message.correlationId);
          tell(message);
        }
        failure = { ...failure, message: 'the server could not answer' };
      } else {
        failure = await problemOf(response);
        if (response.status === 401) {
          failure = { ...failure, retryable: true };
          if (isOpen()) events.tokenWanted();
        }
      }
    } catch {
      // What failed is in `failure`.
    }
    clearTimeout(late);
    posting = undefined;
    if (alone > 0) alone--;
    if (!failure.retryable && sent.length > 1) {
      // One of them spoils the request: by themselves, each gets an answer of its own.
      alone = sent.length;
      queue.unshift(...sent);
      open.clear();
    }
    for (const id of open) tell(refusal(id, { retryAfterMs: retryMs, ...failure }));
    void post();
  }

  function isOpen(): boolean {
    return state === 'open';
  }

  function headers(): Record<string, string> {
    return token === null ? {} : { Authorization: `Bearer ${token}` };
  }

  function release(): void {
    state = 'ended';
    reading.abort();
    reading = new AbortController(); // what still comes is of an old stream
    posting?.abort();
    clearTimeout(watch as number);
    clearTimeout(turn as number);
  }

  function end(how: SessionEnd): void {
    if (state === 'ended') return;
    release();
    events.ended(how);
  }
}

interface SyncRequest {
  readonly dashboardId: string;
  readonly since?: Since | null;
  readonly unsubscribe?: true;
}

const refusal = (correlationId: string | undefined, nack: NackPayload): ServerMessage => ({
  kind: 'nack',
  correlationId,
  nack,
});

/** The data of Server-Sent Events as they come; calls `heard` for all bytes, comments too. */
async function* eventData({ body }: Response, heard: () => void): AsyncGenerator<string> {
  const reader = (body as ReadableStream<Uint8Array>).getReader();
  const decoder = new TextDecoder();
  let rest = '';
  let data = '';
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return;
    heard();
    const chunk = decoder.decode(value, { stream: true });
    if (!chunk.includes('\n')) {
      rest += chunk;
      continue;
    }
    const lines = (rest + chunk).split('\n');
    rest = lines.pop() as string;
    for (const line of lines) {
      if (line.startsWith('data:')) data += line.slice(5);
      else if (data && line.trim() === '') {
        yield data;
        data = '';
      }
    }
  }
}
