import { type Readable, Store } from '@dashwire/client';

export type Theme = 'system' | 'light' | 'dark';

/** Also read by public/theme.js before anything is drawn. */
const key = 'dashwire.theme';
const store = new Store<Theme>(kept());

/** What the person chose; `system` follows the device. */
export const theme: Readable<Theme> = store;

export function setTheme(next: Theme): void {
  const { dataset } = document.documentElement;
  if (next === 'system') delete dataset.theme;
  else dataset.theme = next;
  try {
    localStorage.setItem(key, next);
  } catch {} // storage is full or forbidden: it holds until the page is left
  store.set(next);
}

function kept(): Theme {
  try {
    const text = localStorage.getItem(key);
    return text === 'light' || text === 'dark' ? text : 'system';
  } catch {
    return 'system';
  }
}
