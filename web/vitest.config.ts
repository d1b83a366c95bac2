import { defaultClientConditions, defaultServerConditions } from 'vite';
import { defineConfig } from 'vitest/config';

/** Within the workspace a package is its sources, for its users what was built of them. */
const conditions = ['dashwire-source'];

/** How long a test waits for what must come: the machine may be busy. */
const patience = {
  testTimeout: 60_000,
  hookTimeout: 120_000,
  expect: { poll: { timeout: 30_000, interval: 20 } },
};

/** Tests of the packages. Those that need a browser are in e2e and run by themselves. */
export default defineConfig({
  test: {
    projects: [
      {
        resolve: { conditions: [...conditions, ...defaultClientConditions] },
        ssr: { resolve: { conditions: [...conditions, ...defaultServerConditions] } },
        test: {
          ...patience,
          name: 'client',
          root: 'packages/client',
          setupFiles: ['../../testing/seed.ts'],
          environment: 'node',
          include: ['src/**/*.test.ts', 'test/**/*.test.ts'],
        },
      },
      {
        resolve: { conditions: [...conditions, ...defaultClientConditions] },
        ssr: { resolve: { conditions: [...conditions, ...defaultServerConditions] } },
        test: {
          ...patience,
          name: 'react',
          root: 'packages/react',
          setupFiles: ['../../testing/seed.ts'],
          environment: 'happy-dom',
          include: ['src/**/*.test.{ts,tsx}'],
        },
      },
      {
        resolve: { conditions: [...conditions, ...defaultClientConditions] },
        ssr: { resolve: { conditions: [...conditions, ...defaultServerConditions] } },
        test: {
          ...patience,
          name: 'demo',
          root: 'packages/demo',
          setupFiles: ['../../testing/seed.ts'],
          environment: 'happy-dom',
          include: ['src/**/*.test.{ts,tsx}'],
        },
      },
    ],
    passWithNoTests: false,
  },
});
