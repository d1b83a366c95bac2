import { defineConfig } from 'vitest/config';

/** Tests of the packages. Those that need a browser are in e2e and run by themselves. */
export default defineConfig({
  test: {
    projects: [
      {
        test: {
          name: 'client',
          root: 'packages/client',
          environment: 'node',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
        },
      },
      {
        test: {
          name: 'react',
          root: 'packages/react',
          environment: 'happy-dom',
          include: ['src/**/*.test.{ts,tsx}'],
        },
      },
      {
        test: {
          name: 'demo',
          root: 'packages/demo',
          environment: 'happy-dom',
          include: ['src/**/*.test.{ts,tsx}'],
        },
      },
    ],
    passWithNoTests: false,
    testTimeout: 20_000,
  },
});
