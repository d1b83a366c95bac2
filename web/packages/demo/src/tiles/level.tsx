import type { ReactNode } from 'react';
import type { Status } from './config.ts';

/** The shape and the word of a status: its colour never stands alone. Nothing for `ok`. */
export function StatusMark({ status }: { readonly status: Status }): ReactNode {
  if (status === 'ok') return null;
  return (
    <span className="kind-status" data-status={status}>
      <svg viewBox="0 0 10 10" width="10" height="10" aria-hidden="true">
        {status === 'attention' && <path d="M5 1l4.4 8H.6z" />}
        {status === 'danger' && <path d="M5 .4L9.6 5 5 9.6.4 5z" />}
        {status === 'busy' && <circle cx="5" cy="5" r="3.6" />}
      </svg>
      {status}
    </span>
  );
}

/** How much of its scale a value fills, from 0 to 1; nothing of one that is not known. */
export function part(value: number | null, min: number, max: number): number {
  const span = max / 2 - min / 2; // halves: the ends may lie as far apart as numbers go
  return value === null || !(span > 0) ? 0 : Math.min(1, Math.max(0, (value / 2 - min / 2) / span));
}
