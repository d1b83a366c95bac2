import { pathsOf } from './coalesce.ts';
import type { DashboardDocument, Move, Patch } from './document.ts';
import type { Op } from './operation.ts';
import { member, tokens } from './pointer.ts';
import { isSealed } from './sealing.ts';

/** An op in words, for a person: `Move CPU`. The document is that before the op. */
export function labelOf(op: Op, document: DashboardDocument | null): string {
  const titled = (id: string) => {
    return text(member(document?.widgets, id)?.title) ?? id;
  };
  switch (op.type) {
    case 'WIDGET_UPDATE':
      if (op.create) return `Add ${text(op.set?.['/title']) ?? op.widgetId}`;
      if (op.restore) return `Restore ${titled(op.widgetId)}`;
      return labelOfPatch(op, titled(op.widgetId));
    case 'WIDGET_DELETE':
      return `Delete ${titled(op.widgetId)}`;
    case 'LAYOUT_UPDATE':
      return labelOfMoves(Object.entries(op.moved ?? {}), titled);
    case 'LAYOUT_RESTORE':
      return `Restore the layout of version ${op.toVersion}`;
    case 'DASHBOARD_UPDATE':
      return labelOfPatch(op, 'the dashboard');
    case 'CONFLICT_RESOLVED':
      return `Decide on ${op.widgetId === undefined ? 'the dashboard' : titled(op.widgetId)}`;
    case 'WIDGET_BATCH': {
      const [only, more] = op.operations;
      return only && !more ? labelOf(only, document) : `${op.operations.length} changes`;
    }
  }
}

function labelOfPatch(patch: Patch, what: string): string {
  const paths = pathsOf(patch);
  const [path] = paths;
  if (paths.length !== 1 || !path) return `Change ${what}`;
  const title = text(patch.set?.['/title']);
  if (title !== undefined) return `Rename ${what} to ${title}`;
  return `Change ${what}'s ${tokens(path).at(-1)}`;
}

function labelOfMoves(moves: readonly (readonly [string, Move])[], titled: (id: string) => string): string {
  const [first, more] = moves;
  if (!first) return 'Change the grid';
  const any = (key: keyof Move) => moves.some(([, move]) => move[key] !== undefined);
  const pinned = first[1].static ? 'Pin' : 'Unpin';
  const verb = any('x') || any('y') ? 'Move' : any('w') || any('h') ? 'Resize' : pinned;
  return `${verb} ${more ? `${moves.length} widgets` : titled(first[0])}`;
}

function text(value: unknown): string | undefined {
  return typeof value === 'string' && value !== '' && !isSealed(value) ? value : undefined;
}
