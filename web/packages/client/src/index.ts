/** The TypeScript client of Dashwire. */
export type * from './api.ts';
export { applyChange } from './change.ts';
export { createClient } from './client.ts';
export type * from './document.ts';
export { equal } from './equal.ts';
export * from './errors.ts';
export type * from './json.ts';
export { normaliseLayout } from './layout.ts';
export type {
  AckPayload,
  Author,
  ConflictField,
  ConflictPayload,
  Entry,
  Limits,
  NackPayload,
  Overwritten,
  Presence,
  Role,
  WidgetData,
} from './message.ts';
export type * from './operation.ts';
export { isLocked, type Locked, type Sealing } from './sealing.ts';
export * from './store.ts';
