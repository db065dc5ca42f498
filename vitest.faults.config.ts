import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/faults/**/*.test.ts'],
    testTimeout: 600_000,
    hookTimeout: 120_000,
    // Most of the time is that of processes that are killed: a file a core.
    maxWorkers: 2,
  },
});
