import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';

/**
 * Files that take half a minute each and search further what others look at too: with HOLDFAST_ALL_TESTS in the environment they
 * are run as well, and so are all cases of the lists in test/support/thorough.ts.
 */
const thorough = [
  'cli/cluster',
  'cli/doctor',
  'contract/s3-faults',
  'contract/sftp-faults',
  'integration/compact',
  'integration/postgres-alterations',
  'integration/postgres-backends-killed',
  'integration/postgres-backup-concurrency',
  'integration/postgres-backup-failures',
  'integration/postgres-ddl-storm',
  'integration/postgres-globals',
  'integration/postgres-parts',
  'integration/postgres-restore-killed',
  'integration/postgres-restore-parts',
  'integration/postgres-restore-swap',
  'integration/postgres-restore-targets',
  'integration/postgres-scale',
  'integration/postgres-server-killed',
  'integration/postgres-restore-alone',
  'integration/pseudonymize-archive',
  'integration/pseudonymize-from',
  'integration/pseudonymize-killed',
  'integration/recovery-files',
  'integration/recovery-parts',
  'integration/recovery-trust',
].map((name) => `test/${name}.test.ts`);

/** Worker threads run what was built: test/support/built-lanes.ts tells why. */
const builtLanes = {
  name: 'built-lanes',
  enforce: 'pre' as const,
  resolveId: (source: string) =>
    source === './lane-entry.ts' ? join(import.meta.dirname, 'test/support/built-lanes.ts') : null,
};

export default defineConfig({
  plugins: [builtLanes],
  test: {
    include: ['test/**/*.test.ts'],
    exclude: [...configDefaults.exclude, ...(process.env.HOLDFAST_ALL_TESTS ? [] : thorough)],
    globalSetup: ['test/support/temporary-directory.ts'],
    testTimeout: 60_000,
    hookTimeout: 120_000,
    pool: 'forks',
    maxWorkers: 3,
    reporters: ['default'],
  },
});
