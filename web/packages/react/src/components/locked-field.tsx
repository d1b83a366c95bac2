import type { Locked } from '@dashwire/client';
import type { ReactNode } from 'react';
import { useTexts } from '../hooks/useTexts.ts';
import { classNames } from './class-names.ts';
import { Icon } from './icon.tsx';

export interface LockedFieldProps {
  /** What stands where the value would; `isLocked` tells. */
  readonly locked: Locked;
  /** Offers a way to bring the key, where that would help. */
  readonly onUnlock?: () => void;
  readonly className?: string;
}

/** In the place of a value that cannot be opened: a lock, why, and what helps. */
export function LockedField({ locked, onUnlock, className }: LockedFieldProps): ReactNode {
  const texts = useTexts();
  const why = locked.$locked;
  const opening = why === 'opening';
  return (
    <span className={classNames('dw-locked', className)} data-dw-locked={why}>
      <Icon shape={opening ? 'ring' : 'lock'} />
      <span>{texts.locked(locked)}</span>
      {why === 'missing' && onUnlock && (
        <button type="button" className="dw-button" onClick={() => onUnlock()}>
          {texts.unlock}
        </button>
      )}
    </span>
  );
}
