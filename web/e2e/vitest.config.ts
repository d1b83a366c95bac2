import { defineConfig } from 'vitest/config';

/** The demo in a real Chromium against a real server. */
export default defineConfig({
  test: {
    root: 'e2e',
    environment: 'node',
    include: ['**/*.test.ts'],
    // A browser for each worker. Much of the time is waiting, for servers that come back and lines that are tried again.
    maxWorkers: 2,
    isolate: false,
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 30_000, interval: 50 } },
  },
});
