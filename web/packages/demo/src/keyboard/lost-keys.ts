import { takesText } from './keys.ts';

/** Who has not pressed a key for so long has seen that the field is gone, in ms. */
const pause = 1000;

/**
 * Somebody else may delete what one is typing in: the field goes, and the next letters would be keys of the page, to delete or
 * to duplicate. They are for nobody, until there is a pause. Returns how to stop.
 */
export function holdLostKeys(): () => void {
  let field: Element | null = null;
  let last = Number.NEGATIVE_INFINITY;
  const onKey = (event: KeyboardEvent) => {
    const now = performance.now();
    const lost = field !== null && !field.isConnected && now - last < pause;
    last = now;
    const target = event.target instanceof Element && takesText(event.target) ? event.target : null;
    if (lost && target === null) {
      event.preventDefault();
      event.stopImmediatePropagation();
      return;
    }
    // Enter, Escape and Tab end a field on purpose.
    const types = event.key.length === 1 || event.key === 'Backspace' || event.key === 'Delete';
    field = types ? target : null;
  };
  window.addEventListener('keydown', onKey, true);
  return () => window.removeEventListener('keydown', onKey, true);
}
