import { join } from 'node:path';
import { configDefaults, defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

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

/** What takes longest goes first, what waits beside what computes, so that no core is idle at the end. */
const first = [
  'cli/several-sites',
  'contract/sftp-site',
  'integration/recovery',
  'contract/s3-hostile',
  'integration/year',
  'cli/verify',
  'contract/sftp-hostile',
  'integration/verify-mutations-database',
  'contract/s3-site',
  'integration/postgres-backup',
  'cli/lease',
  'integration/repair',
  'cli/failures',
  'integration/postgres-restore',
  'integration/prune',
  'cli/run',
  'cli/killed',
  'integration/object-lock',
  'integration/pseudonymize-copy',
  'cli/keys-generations',
  'cli/status',
  'integration/postgres-restore-full-disk',
  'integration/files-restore',
  'integration/files-trees',
  'integration/postgres-encodings',
  'contract/s3-versions',
  'unit/large-repository',
].map((name) => `/test/${name}.test.ts`);

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification) => {
      const at = first.findIndex((name) => moduleId.endsWith(name));
      return at < 0 ? first.length : at;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}

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
    sequence: { sequencer: LongestFirst },
    reporters: ['default'],
  },
});
