import type { Gesture } from '@dashwire/client';
import { useDashboard } from '@dashwire/react';
import { type KeyboardEvent, type ReactNode, useCallback, useEffect, useRef, useState } from 'react';
import { useOf } from '../grid/select.ts';
import { useHidden } from './hidden.ts';

/** What a person calls the dashboard: its title, or its id. */
export function useDashboardTitle(): string {
  const dashboard = useDashboard();
  return useOf(dashboard.settings, ({ title }) =>
    typeof title === 'string' && title.trim() !== '' ? title : dashboard.id,
  );
}

/** Has the browser's tab say what is shown, and gives it. */
export function useTabTitle(): string {
  const title = useDashboardTitle();
  useEffect(() => {
    document.title = `${title} · Dashwire`;
  }, [title]);
  return title;
}

/** The name of the dashboard, and the field to change it. It follows others until one writes in it. */
export function DashboardTitle({ readOnly }: { readonly readOnly: boolean }): ReactNode {
  const dashboard = useDashboard();
  const title = useDashboardTitle();
  const [text, setText] = useState<string | null>(null);
  const gesture = useRef<Gesture | null>(null);
  const typed = useRef({ before: '', now: '' });
  const field = useRef<HTMLInputElement>(null);

  const send = useCallback((keep: boolean) => {
    const { before, now } = typed.current;
    const mine = gesture.current;
    gesture.current = null;
    const name = now.trim();
    if (keep && name !== '' && name !== before) {
      mine?.updateSettings({ set: { '/title': name } });
      mine?.commit();
    } else {
      mine?.cancel();
    }
  }, []);
  // Whoever goes to another page leaves the field too.
  useEffect(() => () => send(true), [send]);
  useHidden(() => field.current?.blur());

  if (readOnly) {
    return (
      <h1 className="bar-title" title={title}>
        {title}
      </h1>
    );
  }
  const end = (keep: boolean) => {
    send(keep);
    setText(null);
  };
  const onKeyDown = (event: KeyboardEvent<HTMLInputElement>) => {
    if (event.key === 'Escape') {
      event.stopPropagation();
      end(false);
    }
    if (event.key === 'Enter' || event.key === 'Escape') event.currentTarget.blur();
  };
  return (
    <h1 className="bar-title-box">
      <input
        ref={field}
        className="bar-title"
        aria-label="Name of the dashboard"
        title={title}
        value={text ?? title}
        maxLength={200}
        spellCheck={false}
        autoComplete="off"
        onFocus={() => {
          gesture.current = dashboard.gesture(); // what the edit is based on is what stands there now (M2)
          typed.current = { before: title, now: title };
          setText(title);
        }}
        onChange={(event) => {
          typed.current = { ...typed.current, now: event.target.value };
          setText(event.target.value);
        }}
        onBlur={() => end(true)}
        onKeyDown={onKeyDown}
      />
    </h1>
  );
}
