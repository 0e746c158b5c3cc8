import { defineConfig } from 'vitest/config';

/**
 * Three kinds of test, by what they need. The name says it, so that `make test-quick` can leave out what it cannot have:
 * `x.test.ts` needs nothing, `x.temporal.test.ts` a Temporal server, `x.engine.test.ts` a container engine too.
 * One kind after the other: what waits for a deadline must not compete with what uses every core.
 */
export default defineConfig({
  test: {
    reporters: ['default', './test/helpers/count-reporter.ts'],
    projects: [
      {
        test: {
          name: 'quick',
          sequence: { groupOrder: 0 },
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.temporal.test.ts', 'test/**/*.engine.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'temporal',
          sequence: { groupOrder: 1 },
          include: ['test/**/*.temporal.test.ts'],
          globalSetup: ['test/helpers/temporal-setup.ts'],
          // Task queues carry the product's names: two files at once would take each other's tasks.
          fileParallelism: false,
          testTimeout: 60_000,
          hookTimeout: 60_000,
        },
      },
      {
        test: {
          name: 'engine',
          sequence: { groupOrder: 2 },
          include: ['test/**/*.engine.test.ts'],
          globalSetup: ['test/helpers/temporal-setup.ts', 'test/helpers/engine-setup.ts'],
          fileParallelism: false,
          testTimeout: 180_000,
          hookTimeout: 180_000,
        },
      },
    ],
  },
});
