import { isLocked, type Json, type Rectangle } from '@dashwire/client';

/** A value for a person, cut where it gets long. */
export function valueInWords(value: Json | undefined, most = 60): string {
  if (value === undefined) return 'not set';
  if (isLocked(value)) return 'encrypted';
  const text = typeof value === 'string' ? (value === '' ? 'empty' : value) : JSON.stringify(value);
  const letters = [...text.replace(/\s+/g, ' ')];
  return letters.length > most ? `${letters.slice(0, most).join('')}…` : letters.join('');
}

/** What became of a place: `column 1, row 5`, `12 × 8`, `pinned`. */
export function placeChange(was: Rectangle, is: Rectangle): { readonly was: string; readonly is: string } {
  const parts = (one: Rectangle) => [
    was.x !== is.x || was.y !== is.y ? `column ${one.x + 1}, row ${one.y + 1}` : '',
    was.w !== is.w || was.h !== is.h ? `${one.w} × ${one.h}` : '',
    was.static !== is.static ? (one.static ? 'pinned' : 'not pinned') : '',
  ];
  const words = (one: Rectangle) =>
    parts(one)
      .filter((part) => part !== '')
      .join(', ');
  return { was: words(was), is: words(is) };
}
