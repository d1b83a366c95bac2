import { useEffect } from 'react';

/** How long the first tiles have the network to themselves, in ms. */
const patience = 1000;

/**
 * Fetches the parts of the page that are shown later, once it has nothing better to do: they have to be there when the network
 * is not, and when a newer server has none of their names any more.
 */
export function usePreload(): void {
  useEffect(() => {
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
  ]);
}
