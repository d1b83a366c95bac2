import type { ReactNode } from 'react';
import { PrivateText } from '../private/private-text.tsx';
import type { DrawingProps } from './drawing.ts';
import { usePart } from './part.ts';
import { markdownPart } from './parts.ts';
import { Scroll } from './scroll.tsx';

/** A note. HTML is shown as it is written: text of others is never run. */
export function Text({ config, kiosk }: DrawingProps): ReactNode {
  const { text, mode, secret } = config;
  const Markdown = usePart(markdownPart)?.Markdown;
  if (text.trim() === '' && secret === '') return <p className="kind kind-none">Nothing is written here yet.</p>;
  return (
    <Scroll className="kind-text" name={config.title || 'Text'} kiosk={kiosk}>
      {mode === 'markdown' && Markdown && <Markdown text={text} />}
      {mode === 'html' && <p className="kind-note">HTML is shown as text here, and kept as it is.</p>}
      {mode !== 'markdown' && <pre>{text}</pre>}
      {secret !== '' && <PrivateText text={secret} kiosk={kiosk} />}
    </Scroll>
  );
}

/** A heading over the tiles below it: its title stands in the tile's own header. */
export function Section({ config }: DrawingProps): ReactNode {
  return <p className="kind kind-section">{config.description}</p>;
}
