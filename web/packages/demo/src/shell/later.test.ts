import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { type Lack, untilItComes } from './later.ts';

/** Whether the server answers. */
let up: boolean;

beforeEach(() => {
  up = false;
  vi.useFakeTimers();
  vi.stubGlobal('fetch', async () => {
    if (!up) throw new TypeError('Failed to fetch');
    return new Response();
  });
});

afterEach(() => {
  vi.useRealTimers();
  vi.unstubAllGlobals();
});

function start() {
  const load = vi.fn<() => Promise<string>>().mockRejectedValue(new TypeError('Failed to fetch'));
  const told: Lack[] = [];
  const coming = untilItComes(load, (lack) => told.push(lack));
  return { load, told, coming };
}

const wait = (ms: number) => vi.advanceTimersByTimeAsync(ms);

test('what the server does not have is told apart from a server that is away', async () => {
  const { told } = start();
  await wait(20_000);
  expect(told).toEqual(['away']);
  up = true;
  await wait(20_000);
  expect(told).toEqual(['away', 'gone']);
});

test('nothing is told if the server is back by the time that it is asked', async () => {
  const { load, told, coming } = start();
  up = true;
  load.mockResolvedValue('it');
  await wait(0);
  expect(await coming).toBe('it');
  expect(told).toEqual([]);
});

test('it comes at once when the browser is online again', async () => {
  const { load, told, coming } = start();
  await wait(100);
  load.mockResolvedValue('it');
  up = true;
  window.dispatchEvent(new Event('online'));
  await wait(0);
  expect(await coming).toBe('it');
  expect(told).toEqual(['away']);
  expect(load).toHaveBeenCalledTimes(2);
});
