import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['test/archives/**/*.test.ts'],
    // A test that hangs fails; one on a machine that is busy with others does not.
    testTimeout: 300_000,
    hookTimeout: 300_000,
    // What is measured is the memory of a process of its own: a file a core.
    maxWorkers: 2,
  },
});
