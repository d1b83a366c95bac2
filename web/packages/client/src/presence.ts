import { equal } from './equal.ts';
import type { Json } from './json.ts';
import type { Presence } from './message.ts';
import { Store } from './store.ts';

/** What a PRESENCE message tells. */
export interface PresenceDiff {
  readonly joined: readonly Presence[];
  readonly changed: readonly Presence[];
  readonly left: readonly string[];
  readonly count: number;
}

/** Who is on one dashboard (W3). */
export class PresenceList {
  /** Everybody, oneself included, by user and client, so that nobody moves for reconnecting. Empty while there are too many. */
  readonly people = new Store<readonly Presence[]>([]);
  /** One's own state, to be sent again after each opening; undefined = never shown oneself. */
  own: Json | undefined;
  #sessions = new Map<string, Presence>();

  /** Takes what a SYNC_RESPONSE has: it replaces all that was known. */
  replace(presence: readonly Presence[]): void {
    const before = this.#sessions;
    this.#sessions = new Map(presence.map((p) => [p.sessionId, kept(before.get(p.sessionId), p)]));
    this.#tell();
  }

  /** Takes a PRESENCE message. */
  apply({ joined, changed, left, count }: PresenceDiff): void {
    for (const sessionId of left) this.#sessions.delete(sessionId);
    for (const p of joined) this.#sessions.set(p.sessionId, kept(this.#sessions.get(p.sessionId), p));
    for (const p of changed) this.#sessions.set(p.sessionId, kept(this.#sessions.get(p.sessionId), p));
    if (count > this.#sessions.size) this.#sessions.clear(); // only counted from now on
    this.#tell();
  }

  #tell(): void {
    const now = [...this.#sessions.values()].sort(inOrder);
    const was = this.people.getSnapshot();
    if (now.length !== was.length || now.some((p, i) => p !== was[i])) this.people.set(now);
  }
}

function kept(was: Presence | undefined, is: Presence): Presence {
  return was?.clientId === is.clientId && was.userId === is.userId && equal(was.state, is.state) ? was : is;
}

function inOrder(a: Presence, b: Presence): number {
  return compare(a.userId, b.userId) || compare(a.clientId, b.clientId) || compare(a.sessionId, b.sessionId);
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
