import type { Json } from './json.ts';
import type { NackPayload } from './message.ts';
import { isObject, member } from './pointer.ts';

/** What an HTTP error says (H5), or what its status means where it is not the server's own: a page of something in front of it. */
export function problemIn({ status, headers }: Response, text: string): NackPayload {
  const { code, detail, retryable, path } = said(text);
  const after = Number(headers.get('Retry-After'));
  return {
    code:
      typeof code === 'string'
        ? code
        : (member(codes, String(status)) ?? (status < 500 ? 'BAD_MESSAGE' : 'UNAVAILABLE')),
    message:
      typeof detail === 'string'
        ? detail
        : `the server, or what stands before it, answered with HTTP ${status}: ${advice(status)}`,
    retryable: typeof retryable === 'boolean' ? retryable : status >= 500 || status === 429,
    ...(after > 0 && { retryAfterMs: after * 1000 }),
    ...(typeof path === 'string' && { path }),
  };
}

/** The same of an answer whose text has not been read. */
export async function problemOf(response: Response): Promise<NackPayload> {
  return problemIn(response, await response.text().catch(() => ''));
}

function advice(status: number): string {
  if (status === 404) return 'look at the address';
  return status >= 500 || status === 429 ? 'try again' : 'ask who runs it';
}

function said(text: string): Readonly<Record<string, Json | undefined>> {
  try {
    const value = JSON.parse(text) as Json;
    return isObject(value) ? value : {};
  } catch {
    return {};
  }
}

const codes: Readonly<Record<string, string>> = {
  401: 'UNAUTHENTICATED',
  403: 'FORBIDDEN',
  404: 'NOT_FOUND',
  413: 'TOO_LARGE',
  429: 'RATE_LIMITED',
};
