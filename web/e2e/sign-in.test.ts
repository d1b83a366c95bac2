/** A server on which one signs in, and the page that does it by a cookie (H7). */
import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { binary } from '../testing/binary.ts';
import { startServer } from '../testing/server.ts';
import { fine, type Looked, looked } from './axe.ts';
import type { Person } from './browser.ts';
import { renameTile } from './grid.ts';
import { Rest } from './rest.ts';
import { expect, says, test as scene, whole } from './scene.ts';

const grant = 'ops=owner';
const widgets = { cpu: { type: 'stat', title: 'CPU', config: {} } };
const places = { cpu: { x: 0, y: 0, w: 8, h: 6 } };

const test = scene
  // biome-ignore lint/correctness/noEmptyPattern: it says which of the others this one needs: none
  .extend('keys', { scope: 'file' }, async ({}, { onCleanup }) => {
    const program = await binary();
    const folder = mkdtempSync(join(tmpdir(), 'dashwire-keys-'));
    onCleanup(() => rmSync(folder, { recursive: true, force: true }));
    const secret = join(folder, 'secret');
    const run = (...args: string[]) =>
      execFileSync(program, ['token', '--secret-file', secret, ...args], { encoding: 'utf8', stdio: 'pipe' }).trim();
    run('--new-secret');
    return { secret, token: (...args: string[]) => run(...args) };
  })
  .extend('guarded', { scope: 'file' }, async ({ keys }, { onCleanup }) => {
    const server = await startServer({ args: ['--jwt-secret-file', keys.secret, '--auth-cookie', 'dashwire'] });
    onCleanup(() => server.dispose());
    await new Rest(server, keys.token('--user', 'root', '--grant', grant)).create('ops', widgets, places);
    return server;
  });

const field = ({ page }: Person) => page.getByRole('textbox', { name: 'Token' }).or(page.getByLabel('Token'));

async function signIn(person: Person, token: string): Promise<void> {
  await field(person).fill(token);
  await field(person).press('Enter');
}

/** Takes a token back: its sessions end within a second. */
async function takeBack(server: { readonly url: string }, admin: string, token: string): Promise<void> {
  const { jti } = JSON.parse(Buffer.from(token.split('.')[1] ?? '', 'base64url').toString()) as { jti: string };
  const response = await fetch(`${server.url}/api/admin/revoke`, {
    method: 'POST',
    headers: { Authorization: `Bearer ${admin}`, 'Content-Type': 'application/json' },
    body: JSON.stringify({ jti }),
  });
  expect(response.status).toBeLessThan(300);
}

test('H7: a page signs in, goes on after its sign-in has ended with what was changed meanwhile, and signs out', async ({
  open,
  keys,
  guarded,
}) => {
  const all: Looked[] = [];
  const ana = await open('', '#/d/ops', { at: guarded, still: true });
  const { page } = ana;
  const card = page.getByRole('region', { name: 'Sign in' });
  await card.waitFor();
  expect(await page.title()).toBe('Sign in · Dashwire');
  await expect.poll(() => field(ana).evaluate((input) => input === document.activeElement)).toBe(true);
  all.push(...(await looked(ana, 'sign-in')));
  await signIn(ana, 'not.a.token');
  await expect.poll(() => card.getByRole('alert').textContent()).toMatch(/does not know this token/);
  all.push(...(await looked(ana, 'sign-in refused')));

  const token = keys.token('--user', 'ana', '--grant', grant);
  await signIn(ana, `  ${token}\n`);
  await ana.tile('CPU').waitFor();
  await says(ana, 'Saved');
  await whole(ana);
  expect(page.url()).toBe(`${guarded.url}/#/d/ops`);
  expect(await page.evaluate(() => document.cookie)).toBe('');
  expect(await ana.context.cookies()).toMatchObject([{ name: 'dashwire', httpOnly: true, sameSite: 'Strict' }]);
  const kept = await page.evaluate(() => JSON.stringify([{ ...localStorage }, { ...sessionStorage }]));
  expect(kept).not.toContain(token.split('.')[2]);
  await ana.button('Menu').click();
  await page.getByRole('menuitem', { name: /ana.*Signed in/ }).waitFor();
  await page.keyboard.press('Escape');

  await takeBack(guarded, keys.token('--user', 'root', '--admin'), token);
  await says(ana, 'Sign in again');
  await page.getByText('Your sign-in has ended. What you change is kept on this device.').waitFor();
  await renameTile(ana, 'CPU', 'Processors');
  await ana.tile('Processors').waitFor();
  await ana.indicator.getByRole('button', { name: 'Sign in again' }).click();
  const dialog = page.getByRole('dialog', { name: 'Sign in again' });
  await dialog.getByText('Your sign-in as ana has ended. 1 change is kept on this device until then.').waitFor();
  all.push(...(await looked(ana, 'sign-in again')));
  await page.keyboard.press('Escape');
  await dialog.waitFor({ state: 'detached' });
  await ana.indicator.getByRole('button', { name: 'Sign in again' }).click();
  await signIn(ana, keys.token('--user', 'ana', '--grant', grant));
  await dialog.waitFor({ state: 'detached' });
  await says(ana, 'Saved');
  expect(ana.loads).toBe(1);
  const rest = new Rest(guarded, keys.token('--user', 'root', '--grant', grant));
  expect((await rest.document('ops')).widgets.cpu?.title).toBe('Processors');

  await page.reload();
  await ana.tile('Processors').waitFor(); // the cookie signs in
  await ana.menu('Sign out');
  await card.waitFor();
  expect(await ana.context.cookies()).toEqual([]);
  fine(all);
});

test('H7: what one person has not saved is not sent in the name of the next, and comes back with its own', async ({
  open,
  keys,
  guarded,
}) => {
  const rest = new Rest(guarded, keys.token('--user', 'root', '--grant', 'shared=owner'));
  await rest.create('shared', widgets, places);
  const grants = ['--grant', 'shared=owner'];
  const first = keys.token('--user', 'ana', ...grants);
  const one = await open('', '#/d/shared', { at: guarded });
  await signIn(one, first);
  await says(one, 'Saved');
  await whole(one);
  await takeBack(guarded, keys.token('--user', 'root', '--admin'), first);
  await says(one, 'Sign in again');
  await renameTile(one, 'CPU', 'By ana');
  await one.indicator.getByRole('button').click();
  await signIn(one, keys.token('--user', 'bo', ...grants));
  await says(one, 'Saved');
  await one.tile('CPU').waitFor();
  expect((await rest.document('shared')).version).toBe(1);
  await one.menu('Sign out');
  await one.page.getByRole('region', { name: 'Sign in' }).waitFor();
  await signIn(one, keys.token('--user', 'ana', ...grants));
  await one.tile('By ana').waitFor();
  await says(one, 'Saved');
  // "Saved" may still be that of before what was kept came back: saving is not told for its first 400 ms.
  const authors = async () => (await rest.history('shared')).map(({ payload }) => payload.author.userId);
  await expect.poll(authors).toEqual(['root', 'ana']);
});

test('a wall on which nobody has signed in shows its thin line and nothing to fill in', async ({ open, guarded }) => {
  const wall = await open('', '?kiosk#/d/ops', { at: guarded });
  const line = wall.page.locator('.wall-line');
  await expect.poll(() => line.textContent()).toMatch(/^▲ Sign in again/);
  expect(await wall.page.getByRole('textbox').count()).toBe(0);
  expect(await wall.page.getByRole('dialog').count()).toBe(0);
});

test('where pages cannot sign in, the page says how to change that', async ({ open, keys }) => {
  await using server = await startServer({ args: ['--jwt-secret-file', keys.secret] });
  const ana = await open('', '#/', { at: server });
  await ana.page.getByText('--auth-cookie dashwire').waitFor();
  expect(await ana.page.getByRole('textbox').count()).toBe(0);
});
