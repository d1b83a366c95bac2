import type { Change, Dashboard, Entry, Gesture, Json, Pointer, Widget } from '@dashwire/client';
import { createContext, use, useCallback, useEffect, useRef, useState } from 'react';
import { useHidden } from '../shell/hidden.ts';
import { isObject, member } from '../tiles/config.ts';

/** A change that somebody else made while the sheet was open. */
export interface Hint {
  readonly name: string;
  /** ms since 1970. */
  readonly at: number;
  readonly paths: readonly Pointer[];
}

/** What the fields of the sheet share. */
export interface Editing {
  readonly dashboard: Dashboard;
  readonly widgetId: string;
  readonly widget: Widget;
  readonly readOnly: boolean;
  /** Newest first. */
  readonly hints: readonly Hint[];
}

export const EditingContext = createContext<Editing | null>(null);

export function useEditing(): Editing {
  const editing = use(EditingContext);
  if (!editing) throw new Error('Fields stand in a settings sheet.');
  return editing;
}

/** The value at `/config/unit` and the like. */
export function valueAt(widget: Widget, path: Pointer): Json | undefined {
  return member(widget, ...path.slice(1).split('/'));
}

/** Whether a change at one of two places is one at the other: at, above or below it. */
export function touches(a: Pointer, b: Pointer): boolean {
  return a === b || a.startsWith(`${b}/`) || b.startsWith(`${a}/`);
}

/** The places of a widget that a change is about; the whole of it is `''`. */
export function pathsOf(change: Change, widgetId: string): readonly Pointer[] {
  const of = change.widgets && Object.hasOwn(change.widgets, widgetId) ? change.widgets[widgetId] : undefined;
  if (of === undefined || of === null) return [];
  if ('value' in of) return [''];
  return [...Object.keys(of.set ?? {}), ...(of.unset ?? [])];
}

/** Whether an entry is one's own. */
export function isMine(entry: Pick<Entry, 'author'>, own: { clientId: string | null; userId: string | null }): boolean {
  return entry.author.clientId === own.clientId && (own.userId === null || entry.author.userId === own.userId);
}

export interface FieldEdit {
  readonly value: Json | undefined;
  readonly hint: Hint | undefined;
  /** The field is entered: what is changed from now on is based on what stands there now (M2), and is one step of undo. */
  open(): void;
  /** undefined takes it away. */
  set(value: Json | undefined): void;
  /** The field is left: what was changed is sent. */
  close(): void;
}

/** One place of the widget while it is edited. */
export function useField(path: Pointer): FieldEdit {
  const { dashboard, widgetId, widget, hints } = useEditing();
  const gesture = useRef<Gesture | null>(null);

  const open = useCallback(() => {
    gesture.current ??= dashboard.gesture();
  }, [dashboard]);
  const close = useCallback(() => {
    gesture.current?.commit();
    gesture.current = null;
  }, []);
  const set = useCallback(
    (value: Json | undefined) => {
      open();
      gesture.current?.updateWidget(widgetId, value === undefined ? { unset: [path] } : { set: { [path]: value } });
    },
    [open, widgetId, path],
  );
  // A sheet that closes leaves its fields.
  useEffect(() => close, [close]);
  useHidden(close);

  return {
    value: valueAt(widget, path),
    hint: hints.find((h) => h.paths.some((p) => touches(p, path))),
    open,
    set,
    close,
  };
}

/** A text that is being typed, for a value that it is not always good for. */
export function useDraft(shown: string, take: (text: string) => string | null): Draft {
  const [draft, setDraft] = useState<string | null>(null);
  const [problem, setProblem] = useState<string | null>(null);
  return {
    text: draft ?? shown,
    problem,
    type(text) {
      setDraft(text);
      setProblem(take(text));
    },
    // What is not good stays to be seen and mended.
    end() {
      if (problem === null) setDraft(null);
    },
  };
}

export interface Draft {
  readonly text: string;
  readonly problem: string | null;
  type(text: string): void;
  end(): void;
}

/** A number as people type it: `1,5`, `2e3`; undefined = nothing, null = no number. */
export function typedNumber(text: string): number | undefined | null {
  const plain = text
    .trim()
    .replace('−', '-')
    .replace(/^([-+]?\d*),(\d*)$/, '$1.$2');
  if (plain === '') return undefined;
  const n = Number(plain);
  return Number.isFinite(n) && /\d/.test(plain) && !/^[-+]?0[xob]/i.test(plain) ? n : null;
}

/** A list of objects, whatever stands there. */
export function listOf(value: Json | undefined): readonly { readonly [key: string]: Json }[] {
  return Array.isArray(value) ? (value as readonly Json[]).map((one) => (isObject(one) ? one : {})) : [];
}
