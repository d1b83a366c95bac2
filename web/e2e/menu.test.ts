import { expect, says, test } from './scene.ts';

test('the menu stays under the pointer while the page scrolls behind it', async ({ open, rest }) => {
  const ids = Array.from({ length: 60 }, (_, i) => `w${i}`);
  await rest.create('tall', Object.fromEntries(ids.map((id) => [id, { type: 'text', title: id, config: {} }])));
  const ana = await open('ana', '#/d/tall');
  await says(ana, 'Saved');
  await ana.button('Menu').click();
  const item = ana.page.getByRole('menuitem', { name: 'Export for Grafana' });
  const placed = () => item.evaluate((element) => element.getBoundingClientRect().top);
  // It is placed where it belongs only once it is open.
  await expect.poll(placed).toBeGreaterThan(48);
  await expect.poll(() => item.evaluate((element) => element.getAnimations({ subtree: true }).length)).toBe(0);

  const [before, after, scrolled] = await item.evaluate((element) => {
    const top = () => element.getBoundingClientRect().top;
    const before = top();
    window.scrollBy(0, 300);
    return [before, top(), window.scrollY] as const; // nothing had the time to put it back
  });
  expect(scrolled).toBe(300);
  expect(after).toBe(before);

  const coming = ana.page.waitForEvent('download');
  await item.click();
  expect((await coming).suggestedFilename()).toBe('tall.grafana.json');
});
