import { type ReactNode, useState } from 'react';
import { useConflicts } from '../hooks/useConflicts.ts';
import { useTexts } from '../hooks/useTexts.ts';
import { classNames } from './class-names.ts';
import type { RenderValue } from './conflict-field.tsx';
import { ConflictResolutionUI } from './conflict-resolution.tsx';
import { Icon } from './icon.tsx';

export interface ConflictBadgeProps {
  /** Only this widget's conflicts; absent = all of the client. */
  readonly widgetId?: string;
  /** Shows the number alone; the words are there for screen readers. */
  readonly compact?: boolean;
  /** Opens the app's own view; absent = a dialog or drawer of its own. */
  readonly onOpen?: () => void;
  readonly variant?: 'dialog' | 'drawer';
  readonly renderValue?: RenderValue;
  readonly className?: string;
}

/** How many conflicts wait, and the way to them. Nothing while there are none. */
export function ConflictBadge(props: ConflictBadgeProps): ReactNode {
  const { widgetId, compact = false, onOpen, variant, renderValue, className } = props;
  const texts = useTexts();
  const [conflicts] = useConflicts(widgetId);
  const [open, setOpen] = useState(false);
  const count = conflicts.length;
  return (
    <>
      {count > 0 && (
        <button
          type="button"
          className={classNames('dw-button dw-conflicts', className)}
          aria-haspopup="dialog"
          title={compact ? texts.conflicts(count) : undefined}
          onClick={onOpen ?? (() => setOpen(true))}
        >
          <Icon shape="triangle" />
          {compact && <span aria-hidden="true">{count}</span>}
          <span className={compact ? 'dw-hidden' : undefined}>{texts.conflicts(count)}</span>
        </button>
      )}
      <ConflictResolutionUI
        variant={variant}
        widgetId={widgetId}
        renderValue={renderValue}
        open={open}
        onClose={() => setOpen(false)}
      />
    </>
  );
}
