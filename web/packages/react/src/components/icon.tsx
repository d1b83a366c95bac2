import type { ReactNode } from 'react';

const circle = 'M8 1.5a6.5 6.5 0 1 0 0 13 6.5 6.5 0 0 0 0-13Z';

/** One shape for each kind of state, so that none is told by its colour alone. */
const shapes = {
  check: `${circle}M5 8.2l2.1 2.1L11 5.9`,
  ring: 'M14.3 8A6.3 6.3 0 1 1 11 2.4',
  cut: `${circle}M3.4 3.4l9.2 9.2`,
  lock: 'M3.5 7h9v7.5h-9ZM5.5 7V4.5a2.5 2.5 0 0 1 5 0V7',
  triangle: 'M8 1.8 15.2 14H.8ZM8 6.3v3.4M8 11.8v.1',
  diamond: 'M8 .9 15.1 8 8 15.1.9 8ZM8 4.8v3.6M8 10.9v.1',
} as const;

export type Shape = keyof typeof shapes;

export function Icon({ shape }: { readonly shape: Shape }): ReactNode {
  return (
    <svg className="dw-icon" data-dw-shape={shape} viewBox="0 0 16 16" aria-hidden="true" focusable="false">
      <path d={shapes[shape]} />
    </svg>
  );
}
