/** What is wrong for those who cannot see the page well, by axe. */
import axe from 'axe-core';
import { expect } from 'vitest';
import type { Person } from './browser.ts';

export interface Looked {
  readonly where: string;
  readonly found: readonly string[];
}

/** What axe finds wrong in light and in dark. */
export async function looked({ page }: Person, where: string): Promise<readonly Looked[]> {
  const results: Looked[] = [];
  for (const colorScheme of ['light', 'dark'] as const) {
    await page.emulateMedia({ colorScheme, reducedMotion: 'reduce' });
    if (!(await page.evaluate(() => 'axe' in window))) await page.evaluate(axe.source);
    const found = await page.evaluate(async () => {
      const { axe } = window as unknown as { axe: { run(context: object): Promise<axe.AxeResults> } };
      // Guards of the focus are there to be reached by it, and send it on.
      const { violations } = await axe.run({ exclude: '[data-base-ui-focus-guard]' });
      // A menu is reached by its button, wherever in the page it stands.
      const inMenu = (selector: unknown) => document.querySelector(String(selector))?.closest('[role="menu"]') !== null;
      return violations.flatMap(({ id, nodes }) =>
        nodes
          .filter(({ target }) => id !== 'region' || !inMenu(target[0]))
          .map(({ target, any, all, none }) => {
            const why = [...any, ...all, ...none].map(({ message }) => message).join('; ');
            return `${id} at ${target.join(' ')}: ${why}`;
          }),
      );
    });
    results.push({ where: `${where}, ${colorScheme}`, found });
  }
  return results;
}

export const fine = (results: readonly Looked[]) => expect(results.filter(({ found }) => found.length > 0)).toEqual([]);
