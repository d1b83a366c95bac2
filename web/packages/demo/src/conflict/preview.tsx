import { isLocked, type Json, type JsonObject, type Pointer, type Widget } from '@dashwire/client';
import { type RenderValue, useDashboard, useReadable } from '@dashwire/react';
import { type ReactNode, useMemo } from 'react';
import { useTimeRange } from '../shell/time-range.ts';
import { tileKind } from '../tiles/index.ts';
import './preview.css';

/** A value of a conflict in words, and the widget as it would be with it, where the value can be seen in its picture. */
export const renderConflictValue: RenderValue = (value, { conflict, path }) => (
  <>
    <span className="conflict-words">{inWords(value)}</span>
    {conflict.widgetId !== undefined && changesPicture(path) && (
      <Preview widgetId={conflict.widgetId} path={path} value={value} />
    )}
  </>
);

interface PreviewProps {
  readonly widgetId: string;
  readonly path: Pointer;
  readonly value: Json | undefined;
}

function Preview({ widgetId, path, value }: PreviewProps): ReactNode {
  const dashboard = useDashboard();
  const widget = useReadable(dashboard.widget(widgetId));
  const range = useTimeRange();
  const drawn = useMemo(() => widget && withValue(widget, path, value), [widget, path, value]);
  if (drawn === undefined) return null;
  const { Body } = tileKind(drawn.type);
  return (
    <div className="conflict-preview" inert>
      <Body widgetId={widgetId} widget={drawn} range={range} kiosk={false} readOnly />
    </div>
  );
}

/** A title is read, not drawn. */
function changesPicture(path: Pointer): boolean {
  return path === '/type' || path === '/config' || path.startsWith('/config/');
}

export function inWords(value: Json | undefined): string {
  if (value === undefined) return '(nothing)';
  if (isLocked(value)) return '(encrypted)';
  return typeof value === 'string' ? value : JSON.stringify(value, null, 1);
}

/** The widget with another value at a pointer; undefined takes it away. A pointer that leads through an array changes nothing. */
export function withValue(widget: Widget, path: Pointer, value: Json | undefined): Widget {
  const [, ...tokens] = path.split('/').map((token) => token.replaceAll('~1', '/').replaceAll('~0', '~'));
  return put(widget, tokens, value);
}

function put(object: JsonObject, [token, ...rest]: readonly string[], value: Json | undefined): JsonObject {
  if (token === undefined) return object;
  const entries = new Map(Object.entries(object));
  const under = entries.get(token);
  if (rest.length > 0) {
    if (under !== undefined && !isObject(under)) return object;
    entries.set(token, put(under ?? {}, rest, value));
  } else if (value === undefined) {
    entries.delete(token);
  } else {
    entries.set(token, value);
  }
  return Object.fromEntries(entries);
}

function isObject(value: Json): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
