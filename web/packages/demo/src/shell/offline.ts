import { type DashwireClient, Store } from '@dashwire/client';

/** Whether this page plays that it has no network. Not kept: a reload is online again. */
export const offline = new Store(false);

export function setOffline(away: boolean): void {
  offline.set(away);
}

/** Has a client follow the switch; gives back how to stop that. */
export function obeyOffline(client: DashwireClient): () => void {
  const obey = () => client.setOffline(offline.getSnapshot());
  if (offline.getSnapshot()) obey();
  return offline.subscribe(obey);
}
