/** What the address asks for. The hash names the page, so that any server that sends files can serve it. */
export type Route =
  | { readonly page: 'dashboard'; readonly id: string }
  | { readonly page: 'dashboards' }
  /** An address that names nothing: `id` as it was written. */
  | { readonly page: 'unknown'; readonly id: string };

export interface Kiosk {
  /** Shown one after the other; the first of them first. Empty: the dashboard of the hash alone. */
  readonly dashboards: readonly string[];
  /** ms for each of them; 0 = it stays. */
  readonly rotateMs: number;
}

export interface PageOptions {
  readonly kiosk: Kiosk | null;
  /** Who one is, for this tab alone (C1); null = the name kept on this device. */
  readonly userId: string | null;
}

/** The server's own dashboard of its machine, which there is unless it was switched off. */
export const firstDashboard = 'machine';

/** D2, but for the names that JavaScript keeps to itself. */
const id = /^(?=.*[^.])[A-Za-z0-9._:-]{1,128}$/;
const reserved: readonly string[] = ['__proto__', 'constructor', 'prototype'];

export function isId(text: string): boolean {
  return id.test(text) && !reserved.includes(text);
}

/** `#/d/ops` and `#ops` are the dashboard `ops`, `#/` is the list of all, nothing is the first dashboard. */
export function parseRoute(hash: string): Route {
  const path = decoded(hash.replace(/^#/, ''));
  if (path === '') return { page: 'dashboard', id: firstDashboard };
  if (path === '/' || path === '/dashboards') return { page: 'dashboards' };
  const name = path.startsWith('/d/') ? path.slice(3).replace(/\/$/, '') : path;
  return isId(name) ? { page: 'dashboard', id: name } : { page: 'unknown', id: name };
}

export const dashboardsHref = '#/';

export function dashboardHref(dashboardId: string): string {
  return `#/d/${dashboardId}`;
}

/** `?kiosk`, `?kiosk=a,b&rotate=30s`, `?userId=ana`. What cannot be meant is left out. */
export function parseOptions(search: string): PageOptions {
  const query = new URLSearchParams(search);
  const userId = query.get('userId');
  return { kiosk: parseKiosk(query), userId: userId !== null && isId(userId) ? userId : null };
}

function parseKiosk(query: URLSearchParams): Kiosk | null {
  const names = query.get('kiosk');
  if (names === null) return null;
  const dashboards = [...new Set(names.split(',').map((name) => name.trim()))].filter(isId);
  return { dashboards, rotateMs: dashboards.length > 1 ? (duration(query.get('rotate') ?? '') ?? 30_000) : 0 };
}

/** `30s`, `2m`, `1h`, or a number of seconds, as ms; at least 3 seconds. null = none of these. */
export function duration(text: string): number | null {
  const [, amount, unit = 's'] = /^(\d+(?:\.\d+)?)(s|m|h)?$/.exec(text.trim()) ?? [];
  if (amount === undefined) return null;
  const seconds = Number(amount) * ({ s: 1, m: 60, h: 3600 }[unit] ?? 1);
  return Math.min(Math.max(seconds, 3), 86_400) * 1000;
}

/** The whole address of a dashboard, for somebody else: without who one is and how one looks at it. */
export function shareLink(location: Pick<Location, 'origin' | 'pathname'>, dashboardId: string): string {
  return `${location.origin}${location.pathname}${dashboardHref(dashboardId)}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text; // a lone %: no id has one
  }
}
