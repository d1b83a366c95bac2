import type { ReactNode } from 'react';

interface ScrollProps {
  readonly className: string;
  readonly name: string;
  /** On a wall nobody scrolls. */
  readonly kiosk: boolean;
  readonly children: ReactNode;
}

/** What may be longer than its tile, scrolled by the keyboard too. */
export function Scroll({ className, name, kiosk, children }: ScrollProps): ReactNode {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a fieldset is for fields
    <div className={`kind ${className}`} role="group" aria-label={name} tabIndex={kiosk ? undefined : 0}>
      {children}
    </div>
  );
}
