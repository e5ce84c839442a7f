/**
 * Runs before the tests: finds the programs they need, installs what is missing where it can, and otherwise names the
 * command that does. No test is skipped because a program is missing.
 */
import { spawnSync } from 'node:child_process';

const needed = [
  { program: 'age', package: 'age' },
  { program: 'zstd', package: 'zstd' },
  { program: 'jq', package: 'jq' },
  { program: 'openssl', package: 'openssl' },
];

const has = (program: string) => spawnSync('sh', ['-c', 'command -v "$1"', 'sh', program]).status === 0;

const missing = needed.filter(({ program }) => !has(program)).map((need) => need.package);
if (missing.length > 0) {
  const install = `apt-get install -y --no-install-recommends ${missing.join(' ')}`;
  const before = process.getuid?.() === 0 ? '' : 'sudo -n ';
  console.error(`Installing what the tests need: ${missing.join(', ')}`);
  const run = spawnSync('sh', ['-c', `${before}apt-get update -qq && ${before}${install}`], {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
  });
  if (run.status !== 0) {
    console.error(`Could not install them. Run this as root, then the tests again:\n  apt-get update && ${install}`);
    process.exit(1);
  }
}
