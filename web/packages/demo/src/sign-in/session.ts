import { type ConnectionStatus, type DashwireClient, type Readable, Store } from '@dashwire/client';

/** What the server says about signing in (H1, H7). */
export interface SignIn {
  /** Nobody gets in without. */
  readonly required: boolean;
  /** A page can do it, by a cookie. */
  readonly cookie: boolean;
}

const store = new Store<SignIn | null>(null);

/** null: the server has not said yet. */
export const signInOffer: Readable<SignIn | null> = store;

/** Asks the server whether, and how, one signs in. What fails is asked again with the next call. */
export async function askOffer(): Promise<void> {
  try {
    const response = await fetch('/api/realtime', { cache: 'no-store' });
    if (!response.ok) return;
    const { signIn } = (await response.json()) as { signIn?: Partial<SignIn> };
    store.set({ required: signIn?.required === true, cookie: signIn?.cookie === true });
  } catch {} // no network: the page says so already
}

/** Hands a token to the server, which has the browser keep it where no script can read it. Gives what went wrong, in words. */
export async function handIn(token: string): Promise<string | null> {
  const text = token.trim().replace(/^Bearer\s+/i, '');
  if (text === '') return 'Paste a token first.';
  if (/\s/.test(text)) return 'This is more than a token: paste the one long word alone.';
  try {
    const response = await post('sign-in', { token: text });
    if (response.ok) return null;
    if (response.status === 401) return 'The server does not know this token, or it has ended. Ask for a new one.';
    if (response.status === 404) return 'This server does not let pages sign in.';
    return (await detailOf(response)) ?? `The server answered with HTTP ${response.status}. Try again.`;
  } catch {
    return 'The server did not answer. Try again.';
  }
}

/** Connects as the one whose token was handed in, and gives what went wrong, in words. */
export async function comeIn(client: DashwireClient): Promise<string | null> {
  client.reconnect();
  const { state, error } = await settled(client.connection);
  return state === 'needs-auth' || state === 'closed' ? (error?.message ?? 'The server did not let you in.') : null;
}

/** Has the browser forget the token; gives what went wrong, in words. */
export async function signOut(): Promise<string | null> {
  try {
    const response = await post('sign-out', {});
    return response.ok ? null : `You are still signed in: ${(await detailOf(response)) ?? `HTTP ${response.status}`}`;
  } catch {
    return 'You are still signed in: the server did not answer.';
  }
}

function post(what: 'sign-in' | 'sign-out', body: object): Promise<Response> {
  const headers = { 'Content-Type': 'application/json' };
  return fetch(`/api/${what}`, { method: 'POST', headers, body: JSON.stringify(body), cache: 'no-store' });
}

/** What a problem document says (H5). */
async function detailOf(response: Response): Promise<string | null> {
  try {
    const { detail } = (await response.json()) as { detail?: unknown };
    return typeof detail === 'string' ? detail : null;
  } catch {
    return null;
  }
}

const underWay: readonly ConnectionStatus['state'][] = ['initial', 'connecting', 'authenticating', 'catching-up'];

/** The connection, once its attempt has come to something; one that is tried again and again has too. */
function settled(connection: DashwireClient['connection']): Promise<ConnectionStatus> {
  return new Promise((resolve) => {
    const look = () => {
      const status = connection.getSnapshot();
      const trying = status.state === 'reconnecting' && status.retryAt === null;
      if (underWay.includes(status.state) || trying) return;
      stop();
      resolve(status);
    };
    const stop = connection.subscribe(look);
    look();
  });
}
