/** Clients of a real server, for tests. */

import type { TestServer } from '../../../testing/server.ts';
import { type ClientOptions, createClient, type Dashboard, type DashwireClient, type Readable } from '../src/index.ts';

export interface TestClient extends DashwireClient {
  [Symbol.asyncDispose](): Promise<void>;
}

/** A client that is destroyed at the end of its scope. Without more, ops are kept in memory, and drafts are short. */
export function connect(server: Pick<TestServer, 'url'>, options: ClientOptions = {}): TestClient {
  const client = createClient({ url: server.url, userId: 'ana', storage: 'memory', draftMs: 5, ...options });
  return Object.assign(client, { [Symbol.asyncDispose]: () => client.destroy() });
}

/** The value, once it is as wanted. Fails after 10 s with what it is then. */
export function until<T>(readable: Readable<T>, wanted: (value: T) => boolean): Promise<T> {
  return new Promise((resolve, reject) => {
    const look = () => {
      const value = readable.getSnapshot();
      if (!wanted(value)) return;
      clearTimeout(timer);
      stop();
      resolve(value);
    };
    const stop = readable.subscribe(look);
    const timer = setTimeout(() => {
      stop();
      reject(new Error(`it did not come to that: ${JSON.stringify(readable.getSnapshot(), null, 1)}`));
    }, 30_000);
    look();
  });
}

/** Opens a dashboard and waits for its document. */
export async function openDashboard(client: DashwireClient, id: string): Promise<Dashboard> {
  const dashboard = client.dashboard(id);
  await until(dashboard.state, ({ status }) => status === 'ready');
  return dashboard;
}

/** Waits until a dashboard has reached another's version. */
export async function caughtUp(dashboard: Dashboard, other: Dashboard): Promise<void> {
  const { version } = other.state.getSnapshot();
  await until(dashboard.state, (state) => state.version >= version);
}
