import { defineConfig } from 'vitest/config';

/** The demo in a real Chromium against a real server, one file after another: two cores are few. */
export default defineConfig({
  test: {
    root: 'e2e',
    environment: 'node',
    include: ['**/*.test.ts'],
    // One worker and one browser for all files.
    fileParallelism: false,
    isolate: false,
    testTimeout: 60_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 15_000, interval: 50 } },
  },
});
