/** The TypeScript client of Dashwire. */
export type * from './api.ts';
export type * from './document.ts';
export * from './errors.ts';
export type * from './json.ts';
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
export * from './store.ts';
