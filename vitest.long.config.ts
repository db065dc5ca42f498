import { availableParallelism } from 'node:os';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/**/*.long.test.ts'],
    // A test that hangs fails; one on a machine that is busy with others does not.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    // The default is a core less than there are: one worker where there are two, and tests wait for child processes.
    maxWorkers: Math.max(2, availableParallelism() - 1),
  },
});
