// One client of the protocol: the connection, the server's document, and the ops that are not answered yet.
import { applyChange, changeOf } from './doc.js';
const newId = () => Array.from(crypto.getRandomValues(new Uint32Array(4)), (n) => n.toString(36)).join('-');
const final = { 4401: 'Sign in again', 4403: 'Not allowed here', 4409: 'Stopped: this tab was opened again elsewhere' };
/** A tab keeps its clientId over reloads; a duplicated tab finds it locked and takes a new one (C6). */
export async function claimClientId(id = sessionStorage.clientId ?? newId()) {
  if (!navigator.locks) return id; // there are none outside of secure contexts
  const held = (done) => (lock) => (done(lock), lock && new Promise(() => {})); // as long as the tab lives
  const free = await new Promise((done) => navigator.locks.request(`dashwire ${id}`, { ifAvailable: true }, held(done)));
  return free ? (sessionStorage.clientId = id) : claimClientId(newId());
}
export class Sync {
  view = null; // what the person sees: the server's document with the unanswered ops on top; null = not known
  state = 'connecting'; // then live or reconnecting
  ended = ''; // why it will not connect again
  problem = ''; // why there is no document
  ops = []; // sent or waiting to be sent, in order
  stuck = []; // ops that need a person: conflicts, and what the server refused
  people = new Map(); // by session
  values = new Map(); // by widget
  #doc = null; // the server's
  #asked = null; // the id of the SYNC_REQUEST that is not answered yet
  #socket = null;
  #presence = null;
  #attempt = 0;
  /** changed(), fed(widgetId) and told(text) are called when there is something to show. */
  constructor(options) {
    Object.assign(this, options);
    this.wake = () => !this.#socket && !this.ended && !document.hidden && this.connect();
    for (const [target, type] of [[window, 'online'], [document, 'visibilitychange']]) target.addEventListener(type, this.wake);
  }
  open(id) {
    if (this.state === 'live') this.#send('SYNC_REQUEST', { dashboardId: this.id, unsubscribe: true });
    Object.assign(this, { id, people: new Map(), values: new Map() });
    this.#close('');
    if (this.state === 'live') this.#request();
  }
  connect() {
    clearTimeout(this.retry);
    const url = new URL(`api/realtime?userId=${encodeURIComponent(this.user)}`, document.baseURI);
    const socket = (this.#socket = new WebSocket(url.href.replace('http', 'ws'), 'dashwire.v1'));
    const watch = () => { socket.timer = setTimeout(() => socket.close(), socket.patience ?? 20_000); }; // C4
    socket.onmessage = (e) => { clearTimeout(socket.timer); watch(); this.#receive(JSON.parse(e.data)); };
    socket.onclose = (e) => this.#lost(e.code, socket);
    watch();
  }
  #lost(code, { timer, window, backoff = { minMs: 500, maxMs: 20_000 }, since = Infinity }) {
    clearTimeout(timer);
    this.#attempt = performance.now() - since > 10_000 ? 0 : this.#attempt + 1;
    const [from, to] = window ?? [0, Math.min(backoff.maxMs, backoff.minMs * 2 ** this.#attempt)];
    this.#socket = this.#asked = null;
    this.state = 'reconnecting';
    this.ended ||= final[code] ?? '';
    if (!this.ended) this.retry = setTimeout(() => this.connect(), from + Math.random() * (to - from));
    this.changed();
  }
  #send(type, payload, id = newId(), age) {
    this.#socket.send(JSON.stringify({ type, id, age, payload }));
    return id;
  }
  #request() {
    const since = this.#doc ? { epoch: this.#doc.epoch, version: this.#doc.version } : undefined;
    this.#socket.parts = null;
    this.#asked = this.#send('SYNC_REQUEST', { dashboardId: this.id, since });
  }
  #transmit(ops) {
    if (this.state !== 'live' || this.#asked) return; // they go out with the next SYNC_RESPONSE
    for (const op of ops) this.#send(op.type, op.payload, op.id, Math.round(performance.now() - op.at));
  }
  present(state = this.#presence) {
    this.#presence = state;
    if (this.state === 'live' && !this.#asked) this.#send('PRESENCE', { dashboardId: this.id, state });
  }
  /** What an edit that begins now is based on (M2). */
  base = () => ({ baseVersion: this.#doc?.version, epoch: this.#doc?.epoch || undefined });
  /** Shows an op at once and sends it, again and again with the same id, until it is answered. */
  submit(type, payload, base = this.base()) {
    const op = { id: newId(), type, at: performance.now(), payload: { dashboardId: this.id, ...base, ...payload } };
    this.ops.push(op);
    this.#transmit([op]);
    this.#touch();
    setTimeout(this.changed, 400); // by then it is "Saving…"
  }
  /** Ends what is stuck. Mine sends it again as the outcome (M10); theirs needs no op: it is what the server has. */
  settle(stuck, choice) {
    const { op: { payload: { widgetId, set, unset } }, conflictId, kind, version } = stuck;
    const base = { ...this.base(), baseVersion: version }, restore = kind === 'deleted' || undefined;
    this.stuck = this.stuck.filter((s) => s !== stuck);
    if (choice === 'mine' && kind === 'changed') this.submit('WIDGET_DELETE', { widgetId }, base);
    else if (choice === 'mine') this.submit('CONFLICT_RESOLVED', { conflictId, widgetId, choice, restore, set, unset }, base);
    this.changed();
  }
  #receive({ type, id, correlationId, payload: p = {} }) {
    const here = this.#doc && p.dashboardId === this.id;
    if (type === 'CONNECT') this.#welcome(p, correlationId);
    else if (type === 'DISCONNECT') this.#socket.window = p.reconnect?.afterMs;
    else if (type === 'PING') this.#send('PONG', {});
    else if (type === 'SYNC_RESPONSE') correlationId === (this.#asked ?? undefined) && (correlationId || here) && this.#response(p); // unasked: R5
    else if (type === 'ACK' || type === 'NACK' || type === 'CONFLICT_DETECTED') this.#answer(type, correlationId, p, here);
    else if (here && type === 'PRESENCE') this.#meet(p);
    else if (here && type === 'WIDGET_DATA') return this.#feed(p.values);
    else if (here && p.author) this.#entry({ id, payload: p });
    else if (here && p.closed) this.#close(p.closed === 'deleted' ? 'This dashboard was deleted.' : 'You may not see this dashboard.');
    else if (here && p.role) this.role = p.role;
    else if (here && type === 'SYNC_UPDATE' && this.#advance(p.from, p)) this.#transmit(this.ops); // R3
    this.#touch();
  }
  #welcome({ protocol, heartbeat, reconnect, serverTime, sessionId }, confirmed) {
    if (protocol !== 1) this.ended = 'Reload to update';
    if (this.ended) return this.#socket.close();
    if (!confirmed) return this.sessionId !== sessionId && this.#send('CONNECT', { clientId: this.clientId, heartbeat: 'app' });
    Object.assign(this.#socket, { since: performance.now(), backoff: reconnect, patience: heartbeat.intervalMs + heartbeat.timeoutMs });
    Object.assign(this, { state: 'live', sessionId, clockOffset: Date.parse(serverTime) - Date.now() });
    this.#request();
  }
  #response(p) {
    const all = (this.#socket.parts ??= { document: {}, entries: [], presence: [], data: {} });
    for (const list of ['entries', 'presence']) all[list].push(...(p[list] ?? []));
    for (const key of ['settings', 'widgets', 'layouts']) all.document[key] = { ...all.document[key], ...p.document?.[key] };
    Object.assign(all.data, p.data);
    if (p.part !== p.parts) return; // more to come (R8)
    this.#asked = this.#socket.parts = null;
    if (p.mode === 'snapshot') this.#doc = { ...all.document, epoch: p.epoch, version: p.version };
    for (const entry of all.entries) this.#entry(entry);
    Object.assign(this, { role: p.role, people: new Map(), values: new Map() });
    this.#meet({ joined: all.presence });
    this.#feed(all.data);
    this.present();
    this.#transmit(this.ops);
  }
  #entry({ id, payload: p }) {
    this.ops = this.ops.filter((op) => op.id !== id);
    this.#advance(p.version - 1, p);
    const lost = p.overwrote?.find((o) => o.author?.clientId === this.clientId);
    if (lost) this.told(`${p.author.userId} replaced what you wrote: ${JSON.stringify(lost.value ?? lost.path)}`); // M6
  }
  /** Takes what stands for the versions after from (R2). It ignores what is known, and asks for what is missing. */
  #advance(from, { version, epoch = this.#doc.epoch, change }) {
    const known = epoch === this.#doc.epoch || !this.#doc.version;
    if (known && version <= this.#doc.version) return false;
    if (!known || from > this.#doc.version) return void (this.#asked || this.#request());
    this.#doc = { ...applyChange(this.#doc, change), epoch, version };
    return true;
  }
  #answer(type, to, p, here) {
    const op = this.ops.find((o) => o.id === to), sync = to === this.#asked;
    const again = () => (sync ? to === this.#asked && this.#request() : this.#transmit(this.ops.filter((o) => o === op)));
    if (p.retryable && (op || sync)) return setTimeout(again, p.retryAfterMs ?? 1000);
    if (sync || !op) return sync && this.#close(p.message);
    this.ops = this.ops.filter((o) => o !== op);
    if (type !== 'ACK') this.stuck = [...this.stuck, { op, ...p }];
    if (p.inStream && here) this.#advance(p.version - 1, { change: changeOf(this.#doc, op), ...p });
    if (p.overwrote) this.told(`You replaced a newer value: ${JSON.stringify(p.overwrote[0].value ?? p.overwrote[0].path)}`);
  }
  #close(problem) {
    this.#doc = this.#asked = null;
    this.problem = problem;
    this.#touch();
  }
  #meet({ joined = [], changed = [], left = [] }) {
    for (const s of [...joined, ...changed]) this.people.set(s.sessionId, s);
    for (const id of left) this.people.delete(id);
  }
  #feed(values = {}) {
    for (const [id, { data, mode, window = 1000 }] of Object.entries(values)) {
      this.values.set(id, mode === 'append' ? [...(this.values.get(id) ?? []), ...data].slice(-window) : data);
      this.fed(id);
    }
  }
  #touch() {
    const own = this.ops.filter((op) => op.payload.dashboardId === this.id);
    this.view = this.#doc && own.reduce((doc, op) => applyChange(doc, changeOf(doc, op)), this.#doc);
    this.changed();
  }
  /** The sync indicator: a status and its words. */
  get status() {
    const n = this.ops.length, conflicts = this.stuck.filter((s) => s.conflictId).length;
    if (this.ended || this.state === 'connecting') return this.ended ? ['danger', this.ended] : ['busy', 'Connecting…'];
    if (this.state !== 'live' && n) return ['attention', `Offline: ${n} change${n > 1 ? 's' : ''} kept in this tab`];
    if (this.state !== 'live') return ['busy', navigator.onLine ? 'Reconnecting…' : 'Offline'];
    if (conflicts) return ['attention', `Needs your decision (${conflicts})`];
    if (this.stuck.length) return ['danger', `Not saved (${this.stuck.length})`];
    if (n && performance.now() - this.ops[0].at >= 400) return ['busy', 'Saving…'];
    return ['ok', this.role === 'viewer' || this.role === 'feeder' ? 'Read only' : 'Saved'];
  }
}
