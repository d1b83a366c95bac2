/** What every proof has: a browser, a server, and people with windows, who are asked at the end whether all went well. */
import { test as base, expect, vi } from 'vitest';
import { startServer } from '../testing/server.ts';
import { launch, Person, type WindowOptions } from './browser.ts';
import { seen, toBeSeen } from './grid.ts';
import { Rest } from './rest.ts';

/** Opens a window of somebody at a place of the demo: `#/d/ops`. `at` is another server than the scene's own. */
export type Open = (
  name: string,
  place: string,
  options?: WindowOptions & { readonly at?: { readonly url: string } },
) => Promise<Person>;

export const test = base
  // biome-ignore lint/correctness/noEmptyPattern: it says which of the others this one needs: none
  .extend('browser', { scope: 'worker' }, async ({}, { onCleanup }) => {
    const browser = await launch();
    onCleanup(() => browser.close());
    return browser;
  })
  // biome-ignore lint/correctness/noEmptyPattern: it says which of the others this one needs: none
  .extend('server', { scope: 'file' }, async ({}, { onCleanup }) => {
    const server = await startServer();
    onCleanup(() => server.dispose());
    return server;
  })
  .extend('rest', { scope: 'file' }, async ({ server }) => new Rest(server))
  .extend('open', async ({ browser, server }, { onCleanup }): Promise<Open> => {
    const people: Person[] = [];
    onCleanup(async () => {
      const faults = people.flatMap(({ name, errors, dialogs }) =>
        [...errors, ...dialogs.map((one) => `dialog, ${one}`)].map((fault) => `${name}: ${fault}`),
      );
      await Promise.all(people.map((person) => person.close()));
      expect(faults).toEqual([]);
    });
    return async (name, place, { at = server, ...options } = {}) => {
      const person = await Person.open(browser, name, `${at.url}/${place}`, options);
      people.push(person);
      return person;
    };
  });

export { expect };

/** How long something may take, in ms. */
const patience = { timeout: 30_000, interval: 50 };

/** Waits until the indicator says so. */
export async function says(person: Person, words: string | RegExp): Promise<void> {
  const is = expect.poll(() => person.indicator.textContent());
  await (typeof words === 'string' ? is.toBe(words) : is.toMatch(words));
}

/** Waits until the parts of the page that are shown later are here: what follows may take the network away. */
export async function whole(...people: readonly Person[]): Promise<void> {
  const parts = ['settings', 'gallery', 'history', 'help', 'rename'];
  for (const { page } of people) {
    const fetched = () =>
      page.evaluate(() =>
        performance.getEntriesByType('resource').map((one) => /(\w+)-[^/]+\.js$/.exec(one.name)?.[1]),
      );
    await expect.poll(fetched).toEqual(expect.arrayContaining(parts));
  }
}

/** Waits until all windows show what the server has. */
export async function agree(rest: Rest, id: string, ...people: readonly Person[]): Promise<void> {
  await vi.waitFor(async () => {
    const stored = toBeSeen(await rest.document(id));
    for (const person of people) expect(await seen(person), `what ${person.name} sees`).toEqual(stored);
  }, patience);
}
