import { describe, expect, it, vi } from 'vitest';
import type { Json } from './json.ts';
import type { Presence } from './message.ts';
import { type PresenceDiff, PresenceList } from './presence.ts';

const person = (sessionId: string, userId: string, state: Json = null): Presence => ({
  sessionId,
  clientId: `tab-${userId}`,
  userId,
  state,
});
const diff = (part: Partial<PresenceDiff> & { count: number }): PresenceDiff => ({
  joined: [],
  changed: [],
  left: [],
  ...part,
});
const sessions = (list: PresenceList) => list.people.getSnapshot().map((p) => p.sessionId);

describe('PresenceList', () => {
  it('W3 lists everybody in one order, whoever came first', () => {
    const list = new PresenceList();
    list.replace([person('S9', 'cy'), person('S1', 'bo')]);
    list.apply(diff({ joined: [person('S4', 'ana')], count: 3 }));
    expect(sessions(list)).toEqual(['S4', 'S1', 'S9']);
  });

  it('W3 who reconnects keeps the place', () => {
    const list = new PresenceList();
    list.replace([person('S1', 'ana'), person('S2', 'bo'), person('S3', 'cy')]);
    list.apply(diff({ left: ['S1'], joined: [person('S9', 'ana')], count: 3 }));
    expect(sessions(list)).toEqual(['S9', 'S2', 'S3']);
  });

  it('W3 tells of a change once, and only where there is one', () => {
    const list = new PresenceList();
    list.replace([person('S1', 'ana', { name: 'Ana' }), person('S2', 'bo')]);
    const [ana] = list.people.getSnapshot();
    const heard = vi.fn();
    list.people.subscribe(heard);
    list.apply(diff({ changed: [person('S2', 'bo', { name: 'Bo' })], count: 2 }));
    expect(heard).toHaveBeenCalledTimes(1);
    expect(list.people.getSnapshot()[0]).toBe(ana);
    list.apply(diff({ changed: [person('S2', 'bo', { name: 'Bo' })], left: ['S7'], count: 2 }));
    list.replace([person('S2', 'bo', { name: 'Bo' }), person('S1', 'ana', { name: 'Ana' })]);
    expect(heard).toHaveBeenCalledTimes(1);
  });

  it('W3 lists nobody while they are too many, and everybody afterwards', () => {
    const list = new PresenceList();
    list.replace([person('S1', 'ana')]);
    list.apply(diff({ count: 201 }));
    expect(sessions(list)).toEqual([]);
    list.apply(diff({ joined: [person('S1', 'ana'), person('S2', 'bo')], left: ['S3'], count: 2 }));
    expect(sessions(list)).toEqual(['S1', 'S2']);
  });
});
