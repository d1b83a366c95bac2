import { DashwireError, type ImportResult } from '@dashwire/client';

/** `1 tile`, `12 tiles`. */
export function count(n: number, one: string, many = `${one}s`): string {
  return `${n.toLocaleString('en')} ${n === 1 ? one : many}`;
}

/** What came of an import: how much of it is drawn, and what is only kept. */
export function resultInWords({ drawn, kept }: Pick<ImportResult, 'drawn' | 'kept'>): string {
  if (drawn + kept === 0) return 'It has no tiles.';
  if (kept === 0) return drawn === 1 ? 'Its one tile is drawn.' : `All ${count(drawn, 'tile')} are drawn.`;
  const is = kept === 1 ? 'is' : 'are';
  const rest = `${kept.toLocaleString('en')} ${is} only kept: shown as a frame, and whole again in an export.`;
  return drawn === 0 ? `None of its tiles is drawn. ${rest}` : `${count(drawn, 'tile')} drawn. ${rest}`;
}

/** Why an import failed, in words that end in a full stop. */
export function failureInWords(error: unknown): string {
  if (!(error instanceof DashwireError))
    return 'The import failed for a reason that this page does not know. Try again.';
  switch (error.code) {
    case 'NETWORK':
      return 'The server did not answer. Look whether the dashboard is in the list before you try again once connected.';
    case 'FORBIDDEN':
      return 'You may not import dashboards here. Somebody who owns dashboards on this server may.';
    case 'UNAUTHENTICATED':
      return 'Sign in again, then drop the file once more.';
    default:
      return sentence(error.message);
  }
}

/** The server's words as a sentence of their own. */
export function sentence(text: string): string {
  const words = text.trim();
  if (words === '') return 'The server did not say why.';
  const begun = words.charAt(0).toUpperCase() + words.slice(1);
  return /[.!?…]$/.test(begun) ? begun : `${begun}.`;
}

/** The id that the file gives itself, if it is an export of ours. */
export function ownId(text: string): string | null {
  try {
    const { id } = JSON.parse(text.replace(/^\uFEFF/, '')) as { id?: unknown };
    return typeof id === 'string' ? id : null;
  } catch {
    return null;
  }
}
