import type { Dashboard, UndoState } from '@dashwire/client';
import { useMemo } from 'react';
import { useDashboard } from './useDashboard.ts';
import { useReadable } from './useReadable.ts';

export type History = UndoState &
  Pick<Dashboard, 'undo' | 'redo' | 'restore' | 'restoreLayout' | 'versionAt' | 'nameVersion'> & {
    /** A page of what was committed, newest first. */
    readonly page: Dashboard['history'];
  };

/** Undo and redo of one's own edits, and the way back to any version. */
export function useHistory(): History {
  const dashboard = useDashboard();
  const undoState = useReadable(dashboard.undoState);
  return useMemo(
    () => ({
      ...undoState,
      undo: dashboard.undo.bind(dashboard),
      redo: dashboard.redo.bind(dashboard),
      restore: dashboard.restore.bind(dashboard),
      restoreLayout: dashboard.restoreLayout.bind(dashboard),
      versionAt: dashboard.versionAt.bind(dashboard),
      nameVersion: dashboard.nameVersion.bind(dashboard),
      page: dashboard.history.bind(dashboard),
    }),
    [dashboard, undoState],
  );
}
