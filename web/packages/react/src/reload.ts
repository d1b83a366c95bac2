/** How long the server may take to say that it has the page, in ms. */
const patience = 5000;

/** Whether a reload brings this page back: it is asked for anew, past any cache. */
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
