import { execa } from 'execa';
import type { Environment } from '../source-settings.ts';
import { examine, type Finding } from './finding.ts';

/** Programs that only a recovery without Holdfast needs, with the Debian package of each. */
const recovery = [
  { program: 'age', package: 'age', arguments: ['--version'] },
  { program: 'zstd', package: 'zstd', arguments: ['--version'] },
  { program: 'jq', package: 'jq', arguments: ['--version'] },
  { program: 'openssl', package: 'openssl', arguments: ['version'] },
];
/** The oldest Node.js that this program runs on, as in package.json. */
const oldestNode = [22, 18] as const;

export async function examineTools(environment: Environment, node: string, signal: AbortSignal): Promise<Finding[]> {
  const found = await examine('tools', 'node', (findings) => {
    const [major = 0, minor = 0] = node.replace(/^v/, '').split('.').map(Number);
    if (major > oldestNode[0] || (major === oldestNode[0] && minor >= oldestNode[1])) findings.ok(`Node.js ${node}.`);
    else findings.problem(`Node.js ${node} is too old.`, { hint: `Use ${oldestNode.join('.')} or newer.` });
  });
  for (const { program, package: name, arguments: args } of recovery) {
    const more = await examine(
      'tools',
      program,
      async (findings) => {
        const { failed, stdout } = await execa(program, args, {
          env: { PATH: environment.PATH ?? '', LC_ALL: 'C' },
          extendEnv: false,
          stdin: 'ignore',
          reject: false,
          timeout: 10_000,
        });
        if (!failed) findings.ok(`${firstLine(stdout)}.`);
        else {
          findings.warn(`${program} is not here.`, {
            why: 'Only a recovery without Holdfast needs it, on whichever machine that happens.',
            hint: `Run as root: apt-get install ${name}`,
          });
        }
      },
      signal,
    );
    found.push(...more);
  }
  return found;
}

function firstLine(text: string): string {
  return (text.split('\n', 1)[0] ?? '').replace(/^\*+ | \*+$/g, '').trim();
}
