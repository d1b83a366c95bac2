import { useEffect } from 'react';
import { fetchDrawings } from '../tiles/parts.ts';

/** How long the first tiles have the network to themselves, in ms. */
const patience = 1000;

/**
 * Fetches what tiles are drawn with as soon as the page is on the screen, and the parts that are shown later once it has nothing
 * better to do: they have to be there when the network is not, and when a newer server has none of their names any more.
 */
export function usePreload(): void {
  useEffect(() => {
    fetchDrawings();
    const timer = setTimeout(fetchAll, patience);
    return () => clearTimeout(timer);
  }, []);
}

function fetchAll(): void {
  // What fails is fetched again when it is wanted.
  void Promise.allSettled([
    import('../settings/settings.tsx'),
    import('../gallery/gallery.tsx'),
    import('../history/history.tsx'),
    import('../dashboards/dashboards.tsx'),
    import('../kiosk/kiosk.tsx'),
    import('../keyboard/help.tsx'),
    import('./rename.tsx'),
    import('../sign-in/dialog.tsx'),
    import('../private/words-dialog.tsx'),
  ]);
}
