import { DashwireError } from './errors.ts';

/** The addresses of one server (C1, H1 to H3). */
export interface Endpoints {
  /** `http(s)://…/api/realtime`: discovery, and ops without a WebSocket. */
  readonly realtime: URL;
  /** The same for a WebSocket. */
  readonly socket: URL;
  /** `…/api/realtime/events`: the reading half as Server-Sent Events. */
  readonly events: URL;
  /** `…/api/dashboards`, without a slash at its end. */
  readonly dashboards: URL;
}

/**
 * Works out the addresses from what an app gives: the server (`https://host`, or `https://host/prefix` where it is mounted
 * below a path) or its realtime endpoint (`wss://host/prefix/api/realtime`). Without one it is where the page came from:
 * its `<base>` if there is one, else its origin.
 */
export function endpoints(url?: string | URL): Endpoints {
  const { document, location } = globalThis as Partial<typeof globalThis>;
  const page = document?.querySelector('base')?.href ?? location?.origin;
  let server: URL;
  try {
    server = new URL(url ?? page ?? '', page);
  } catch (cause) {
    throw new DashwireError('INVALID', 'give the address of the server as `url`, as https://a.example', {
      cause,
    });
  }
  const [, scheme, tls] = /^(http|ws)(s?):$/.exec(server.protocol) ?? [];
  if (!scheme) {
    throw new DashwireError(
      'INVALID',
      `the address of a server begins with https: or wss:, not with ${server.protocol}`,
    );
  }
  const prefix = server.pathname.replace(/(\/api\/realtime)?\/*$/, '');
  const at = (scheme: string, path: string) => new URL(`${scheme}${tls}://${server.host}${prefix}/api/${path}`);
  return {
    realtime: at('http', 'realtime'),
    socket: at('ws', 'realtime'),
    events: at('http', 'realtime/events'),
    dashboards: at('http', 'dashboards'),
  };
}
