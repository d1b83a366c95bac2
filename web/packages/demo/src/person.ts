import { type Readable, Store } from '@dashwire/client';
import { isId } from './routes.ts';

/** Who somebody is for the others. */
export interface Person {
  readonly name: string;
  /** `#rrggbb`, dark enough for white letters on it. */
  readonly color: string;
}

const key = 'dashwire.name';
/** Without sign-in a name is all that tells people apart: 1,600 pairs, so that a few windows hardly ever draw the same. */
const moods =
  'Able Amber Apt Bold Brave Bright Brisk Calm Candid Clear Clever Cosy Deft Eager Early Fair Fleet Fond Free Gentle Glad Golden Happy Jolly Keen Kind Light Lively Lucky Merry Mild Neat Nimble Noble Proud Quick Quiet Sunny Warm Wise'.split(
    ' ',
  );
const animals =
  'Badger Bear Beaver Bison Bittern Buzzard Crane Curlew Deer Dormouse Dove Eagle Eider Elk Falcon Finch Fox Hare Hawk Hedgehog Heron Ibex Ibis Kestrel Lark Linnet Lynx Magpie Marten Mole Newt Otter Owl Plover Puffin Raven Robin Seal Stork Swift'.split(
    ' ',
  );

/** AA with white letters, and apart from one another. */
const colors = ['#2f5fd0', '#a8480f', '#0b7363', '#a2408f', '#7a5c00', '#c03548', '#5b4fc7', '#2f7d32'] as const;

const store = new Store<Person>(personOf(kept() ?? keep(anyName())));

/** The person at this device; a random friendly name until they choose one. */
export const person: Readable<Person> = store;

/** Takes another name; an empty one changes nothing. Other tabs take it when they are opened anew. */
export function rename(name: string): void {
  const text = name.replace(/\s+/g, ' ').trim().slice(0, 40);
  if (text !== '') store.set(personOf(keep(text)));
}

/** The name in the form that ids have (D2): `Calm Heron` is `Calm-Heron`. */
export function userIdOf(name: string): string {
  const text = name
    .normalize('NFKD')
    .replace(/[^A-Za-z0-9._:-]+/g, '-')
    .replace(/^-+|-+$/g, '')
    .slice(0, 64);
  return isId(text) ? text : `user-${hash(name).toString(36)}`;
}

/** The same name has the same colour everywhere. */
export function personOf(name: string): Person {
  return { name, color: colors[hash(name) % colors.length] ?? colors[0] };
}

/** One or two letters: `Calm Heron` is `CH`. */
export function initials(name: string): string {
  const words = name.split(/[\s._:-]+/).filter((word) => word !== '');
  const letters = words.length > 1 ? [words[0], words.at(-1)] : words;
  return letters.map((word) => [...(word ?? '')][0]?.toUpperCase() ?? '').join('') || '?';
}

function anyName(): string {
  const pick = (words: readonly string[]) => words[Math.floor(Math.random() * words.length)];
  return `${pick(moods)} ${pick(animals)}`;
}

function hash(text: string): number {
  let sum = 0;
  for (const letter of text) sum = (sum * 31 + (letter.codePointAt(0) ?? 0)) >>> 0;
  return sum;
}

function kept(): string | null {
  try {
    return localStorage.getItem(key);
  } catch {
    return null;
  }
}

function keep(name: string): string {
  try {
    localStorage.setItem(key, name);
  } catch {} // storage is full or forbidden: a new name after each reload
  return name;
}
