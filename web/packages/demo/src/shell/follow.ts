import { Store } from '@dashwire/client';

/** The session whose steps this page follows; null = nobody's. */
export const following = new Store<string | null>(null);

export function follow(sessionId: string | null): void {
  following.set(sessionId);
}
