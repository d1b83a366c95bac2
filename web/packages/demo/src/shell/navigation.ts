import { useSyncExternalStore } from 'react';
import { parseRoute, type Route } from '../routes.ts';

/** What the address asks for, as it changes. The same object until it does. */
export function useRoute(): Route {
  return useSyncExternalStore(onHash, currentRoute);
}

let hash: string | undefined;
let route: Route = { page: 'dashboards' };

function currentRoute(): Route {
  if (hash !== window.location.hash) {
    hash = window.location.hash;
    route = parseRoute(hash);
  }
  return route;
}

function onHash(listener: () => void): () => void {
  window.addEventListener('hashchange', listener);
  return () => window.removeEventListener('hashchange', listener);
}

/** The query of the address, as it changes by `enterKiosk` and `leaveKiosk` and by going back. */
export function useSearch(): string {
  return useSyncExternalStore(onSearch, () => window.location.search);
}

const listeners = new Set<() => void>();

function onSearch(listener: () => void): () => void {
  listeners.add(listener);
  window.addEventListener('popstate', listener);
  return () => {
    listeners.delete(listener);
    window.removeEventListener('popstate', listener);
  };
}

/** Nothing but tiles; the way back is the browser's, or Escape. */
export function enterKiosk(): void {
  const query = new URLSearchParams(window.location.search);
  query.set('kiosk', '');
  go(query);
}

export function leaveKiosk(): void {
  const query = new URLSearchParams(window.location.search);
  query.delete('kiosk');
  query.delete('rotate');
  go(query);
}

function go(query: URLSearchParams): void {
  const text = query.toString().replace(/kiosk=(?=&|$)/, 'kiosk');
  window.history.pushState(
    null,
    '',
    `${window.location.pathname}${text === '' ? '' : `?${text}`}${window.location.hash}`,
  );
  for (const listener of [...listeners]) listener();
}
