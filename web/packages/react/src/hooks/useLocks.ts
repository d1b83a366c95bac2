import { isLocked, type Json, type Locked, type Pointer } from '@dashwire/client';
import { useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

/** A field that is encrypted and cannot be opened here. */
export interface Lock {
  readonly path: Pointer;
  readonly locked: Locked;
}

/** The locked fields of a widget; without an id, of the settings. Draws again when one is opened. */
export function useLocks(widgetId?: string): readonly Lock[] {
  const dashboard = useDashboard();
  const values = useReadable<Json | undefined>(
    useMemo(() => (widgetId === undefined ? dashboard.settings : dashboard.widget(widgetId)), [dashboard, widgetId]),
  );
  return useMemo(() => locksIn('', values), [values]);
}

function locksIn(path: Pointer, value: Json | undefined): readonly Lock[] {
  if (isLocked(value)) return [{ path, locked: value }];
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return [];
  return Object.entries(value).flatMap(([key, inner]) =>
    locksIn(`${path}/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`, inner),
  );
}
