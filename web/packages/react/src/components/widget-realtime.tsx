import {
  type CSSProperties,
  type FocusEvent,
  type ReactNode,
  useCallback,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';
import { useScope } from '../context.ts';
import { useConflicts } from '../hooks/useConflicts.ts';
import { useDashboard } from '../hooks/useDashboard.ts';
import { useIsMe } from '../hooks/useIsMe.ts';
import { usePendingOperations } from '../hooks/usePendingOperations.ts';
import { useTexts } from '../hooks/useTexts.ts';
import { classNames } from './class-names.ts';
import { patience, useReached } from './clock.ts';
import { ConflictBadge } from './conflict-badge.tsx';
import type { RenderValue } from './conflict-field.tsx';
import { ErrorBoundary, type ErrorBoundaryProps } from './error-boundary.tsx';
import { type Person, personOf, placeOf } from './person.ts';

export interface WidgetRealtimeProps extends Pick<ErrorBoundaryProps, 'renderError' | 'onError'> {
  readonly id: string;
  /** What one is doing with it, for the others: `drag`, `resize`, `edit`. By itself it tells `edit` while one types in it. */
  readonly mode?: string | null;
  /** Opens the app's own view of the widget's conflicts, instead of a dialog. */
  readonly onConflict?: () => void;
  readonly renderValue?: RenderValue;
  readonly className?: string;
  readonly style?: CSSProperties;
  readonly children?: ReactNode;
}

/** Around a widget: who else is at it, whether its changes are saved, what waits for a decision; and its error, if it fails. */
export function WidgetRealtime(props: WidgetRealtimeProps): ReactNode {
  const { id, mode, onConflict, renderValue, renderError, onError, className, style, children } = props;
  const texts = useTexts();
  const editors = useEditors(id);
  const unsaved = useUnsaved(id);
  const [conflicts] = useConflicts(id);
  const focus = useOwnPlace(id, mode ?? null);
  const first = editors[0];
  return (
    <div
      className={classNames('dw-widget', className)}
      data-dw-widget={id}
      data-dw-mode={first?.mode}
      data-dw-unsaved={unsaved || undefined}
      data-dw-conflict={conflicts.length > 0 || undefined}
      style={
        first === undefined ? style : ({ ...style, '--dw-who': first.color, '--dw-ink': first.ink } as CSSProperties)
      }
      {...focus}
    >
      <ErrorBoundary widgetId={id} renderError={renderError} onError={onError}>
        {children}
      </ErrorBoundary>
      {first !== undefined && (
        <span className="dw-who">
          <bdi aria-hidden="true">{editors.map((one) => one.name || texts.somebody).join(', ')}</bdi>
          <span className="dw-hidden">
            {editors.map((one) => texts.editedBy(one.name || texts.somebody, one.mode)).join(', ')}
          </span>
        </span>
      )}
      {unsaved && <span className="dw-hidden">{texts.unsaved}</span>}
      {conflicts.length > 0 && <ConflictBadge widgetId={id} compact onOpen={onConflict} renderValue={renderValue} />}
    </div>
  );
}

interface Editor extends Person {
  readonly mode: string;
}

/** The others who do something with the widget. Read as one text, so that somebody's cursor draws nothing here again. */
function useEditors(widgetId: string): readonly Editor[] {
  const { presence } = useDashboard();
  const isMe = useIsMe();
  const subscribe = useCallback((listener: () => void) => presence.subscribe(listener), [presence]);
  const read = () => {
    const found: Editor[] = [];
    for (const one of presence.getSnapshot()) {
      if (isMe(one)) continue;
      const place = placeOf(one);
      if (place.widgetId === widgetId && place.mode !== '') found.push({ ...personOf(one), mode: place.mode });
    }
    return found.length === 0 ? '' : JSON.stringify(found);
  };
  const text = useSyncExternalStore(subscribe, read, read);
  return useMemo(() => (text === '' ? [] : JSON.parse(text)), [text]);
}

/** Whether something of the widget is not saved, once that has lasted. */
function useUnsaved(widgetId: string): boolean {
  const oldest = usePendingOperations(widgetId)[0];
  return useReached(oldest === undefined ? null : oldest.createdAt + patience);
}

/** Tells the others that one is at the widget, and what one does there. */
function useOwnPlace(widgetId: string, mode: string | null) {
  const { own } = useScope();
  const [focused, setFocused] = useState<'' | 'edit' | null>(null);
  const doing = mode ?? focused;
  useEffect(() => {
    return doing === null ? undefined : own?.enter(widgetId, doing);
  }, [own, widgetId, doing]);
  return {
    onFocus: (event: FocusEvent) => setFocused(isEditable(event.target) ? 'edit' : ''),
    onBlur: (event: FocusEvent) => {
      if (!event.currentTarget.contains(event.relatedTarget)) setFocused(null);
    },
  };
}

function isEditable(element: Element): boolean {
  return element.matches('textarea, select, input, [contenteditable]:not([contenteditable="false"])');
}
