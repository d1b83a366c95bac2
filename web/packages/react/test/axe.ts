import axe from 'axe-core';
import { expect } from 'vitest';

/** Fails with what axe finds wrong. Colours and sizes are not judged: this document has no layout. */
export async function expectAccessible(element: Element): Promise<void> {
  const { violations } = await axe.run(element, {
    rules: { 'color-contrast': { enabled: false }, region: { enabled: false } },
  });
  expect(violations.map(({ id, nodes }) => `${id}: ${nodes.map((node) => node.html).join('\n')}`)).toEqual([]);
}
