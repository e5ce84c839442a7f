import { configDefaults, defineConfig } from 'vitest/config';

/**
 * Files that take half a minute each and search further what others look at too: with HOLDFAST_ALL_TESTS in the environment they
 * are run as well, and so are all cases of the lists in test/support/thorough.ts.
 */
const thorough = [
  'postgres-alterations',
  'postgres-backends-killed',
  'postgres-backup-concurrency',
  'postgres-ddl-storm',
  'postgres-restore-killed',
  'postgres-restore-parts',
  'postgres-scale',
  'postgres-server-killed',
  'recovery-files',
  'recovery-parts',
  'recovery-trust',
].map((name) => `test/integration/${name}.test.ts`);

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(process.env.HOLDFAST_ALL_TESTS ? [] : thorough)],
    globalSetup: ['test/support/temporary-directory.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 2,
    reporters: ['default'],
  },
});
