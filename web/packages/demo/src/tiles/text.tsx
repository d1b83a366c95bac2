import type { ReactNode } from 'react';
import type { DrawingProps } from './drawing.ts';
import { Markdown } from './markdown.tsx';

/** A note. HTML is shown as it is written: text of others is never run. */
export function Text({ config }: DrawingProps): ReactNode {
  if (config.text.trim() === '') return <p className="kind kind-none">Nothing is written here yet.</p>;
  if (config.mode === 'markdown') {
    return (
      <div className="kind kind-text">
        <Markdown text={config.text} />
      </div>
    );
  }
  return (
    <div className="kind kind-text">
      {config.mode === 'html' && <p className="kind-note">HTML is shown as text here, and kept as it is.</p>}
      <pre>{config.text}</pre>
    </div>
  );
}

/** A heading over the tiles below it: its title stands in the tile's own header. */
export function Section({ config }: DrawingProps): ReactNode {
  return <p className="kind kind-section">{config.description}</p>;
}
