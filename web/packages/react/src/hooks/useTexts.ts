import { use } from 'react';
import { TextsContext } from '../context.ts';
import type { Texts } from '../texts.ts';

/** The words that the components say, for components of one's own. */
export function useTexts(): Texts {
  return use(TextsContext);
}
