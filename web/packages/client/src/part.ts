import { DashwireError } from './errors.ts';

/**
 * A part of this library that is fetched when it is first needed. What fails, without a network or after a new version of the
 * app was put in place, is tried again when it is next asked for.
 */
export function part<T>(coming: Promise<T>): Promise<T> {
  return coming.catch((cause: unknown) => {
    const why = 'a part of this page could not be fetched: try again once connected; if that fails, reload the page';
    throw new DashwireError('NETWORK', why, { retryable: true, cause });
  });
}
