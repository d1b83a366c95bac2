import { toast } from './toasts.ts';

/** How long the server may take to say that it has the page, in ms. */
const patience = 5000;

/** Whether a reload brings this page back: none of it is kept on this device. */
export async function canReload(): Promise<boolean> {
  try {
    const signal = AbortSignal.timeout(patience);
    const asked = { method: 'HEAD', cache: 'no-store', redirect: 'manual', signal } as const;
    const { ok, type } = await fetch(window.location.href, asked);
    return ok || type === 'opaqueredirect'; // to where one signs in, before the server
  } catch {
    return false;
  }
}

/** Reloads the page if that brings it back; false = it does not now. */
export async function reloadIfThere(): Promise<boolean> {
  const there = await canReload();
  if (there) window.location.reload();
  return there;
}

/** Reloads the page, or says why not now. */
export async function reload(): Promise<void> {
  if (await reloadIfThere()) return;
  toast('The server cannot be reached: a reload would lose this page. Try again once you are connected.');
}

/** What a toast offers where nothing else helps. */
export const reloading = { label: 'Reload', run: () => void reload() };
