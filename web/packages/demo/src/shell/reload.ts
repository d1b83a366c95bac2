import { reloadIfThere } from '@dashwire/react';
import { toast } from './toasts.ts';

/** Reloads the page, or says why not now. */
export async function reload(): Promise<void> {
  if (await reloadIfThere()) return;
  toast('The server cannot be reached: a reload would lose this page. Try again once you are connected.');
}

/** What a toast offers where nothing else helps. */
export const reloading = { label: 'Reload', run: () => void reload() };
