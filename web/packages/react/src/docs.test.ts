import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import * as all from './index.ts';

const read = (path: string) => readFileSync(join(import.meta.dirname, path), 'utf8');
const page = read('../../../../docs/react.md');
const css = read('style.css');

test('the code of the page is that of files whose types are checked', () => {
  const blocks = [...page.matchAll(/^```tsx\n(.*?)^```/gms)].map(([, code]) => code);
  expect(blocks).toEqual([read('../test/start.tsx'), read('../test/texts.tsx')]);
});

test('the page has every hook and component, and none that is not there', () => {
  const hooks = [...page.matchAll(/^\| `(use\w+)\(/gm)].map(([, name]) => name);
  expect(hooks.toSorted()).toEqual(
    Object.keys(all)
      .filter((name) => name.startsWith('use'))
      .toSorted(),
  );
  for (const name of Object.keys(all)) expect(page).toContain(name);
  for (const [, name] of page.matchAll(/`<(\w+)/g)) expect(Object.keys(all)).toContain(name);
});

test('the page has every variable of the skin, and none that is not there', () => {
  const has = new Set([...css.matchAll(/^ {2}(--dw-[\w-]+):/gm)].map(([, name]) => name));
  for (let at = 1; at < 7; at++) has.delete(`--dw-person${at}`);
  const told = new Set([...page.matchAll(/`(--dw-[\w-]+)`/g)].map(([, name]) => name));
  expect([...told].toSorted()).toEqual([...has].toSorted());
});

test('the page has the words of the indicator', () => {
  const status = { pending: 3, conflicts: 2, rejected: 1, pendingSince: null, lastSavedAt: null, durable: true };
  const states = [
    'saved',
    'saving',
    'offline',
    'reconnecting',
    'conflict',
    'needs-auth',
    'read-only',
    'fallback',
  ] as const;
  const others = ['rejected', 'incompatible', 'storage-full', 'closed', 'loading'] as const;
  const flat = page.replaceAll(/\s+/g, ' ');
  for (const state of [...states, ...others]) expect(flat).toContain(`"${all.english.sync({ ...status, state })}"`);
});
