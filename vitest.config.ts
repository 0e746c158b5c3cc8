import { defineConfig } from 'vitest/config';

/**
 * Four kinds of test, by what they need. The name says it, so that `make test-quick` can leave out what it cannot have:
 * `x.test.ts` needs nothing, `x.long.test.ts` needs time (thousands of git processes, a process started for each case),
 * `x.temporal.test.ts` a Temporal server, `x.engine.test.ts` a container engine too.
 * One kind after the other: what waits for a deadline must not compete with what uses every core.
 */
export default defineConfig({
  test: {
    // One more than Vitest takes by itself on two cores: most of these wait for processes that they started.
    maxWorkers: 2,
    reporters: ['default', './test/helpers/count-reporter.ts'],
    projects: [
      {
        test: {
          name: 'quick',
          sequence: { groupOrder: 0 },
          include: ['test/**/*.test.ts'],
          exclude: ['test/**/*.{long,temporal,engine}.test.ts'],
          testTimeout: 20_000,
        },
      },
      {
        test: {
          name: 'long',
          sequence: { groupOrder: 1 },
          include: ['test/**/*.long.test.ts'],
          testTimeout: 30_000,
        },
      },
      {
        test: {
          name: 'temporal',
          sequence: { groupOrder: 2 },
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
          sequence: { groupOrder: 3 },
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
