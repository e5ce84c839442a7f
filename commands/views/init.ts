/** What was made by `init`, and what to do next. */
import type { Style } from './style.ts';
import { facts } from './table.ts';

export interface InitResult {
  config: string;
  repository: string;
  trustSha256: string;
  created: boolean;
  hostIdentity: string;
  owners: { name: string; public: string; identityFile?: string | undefined }[];
}

export interface InitView {
  style: Style;
  /** What makes a command use this configuration: empty, or ` -c <file>`. */
  configFlag: string;
  /** A path as it can be typed where the reader is. */
  typed: (path: string) => string;
}

export function initText(result: InitResult, { style, configFlag, typed }: InitView): string {
  const made = result.owners.filter(({ identityFile }) => identityFile !== undefined);
  const first = made[0] ?? result.owners[0]!;
  const identity = first.identityFile === undefined ? `${first.name}.key` : typed(first.identityFile);
  const command = (text: string) => style.cyan(`holdfast ${text}${configFlag}`);
  // In this order the commands work as they stand here; the identities go last.
  const steps: string[][] = [
    ['Make a first backup. It needs no identity of an owner:', command('backup')],
    [
      'Let each owner show once that they can open it; until then a source does not count as protected:',
      command(`keys test -i ${identity}`),
    ],
    [
      'Print the escrow sheet of each owner and lock it away. It is all that a recovery needs:',
      command(`keys export ${first.name} -i ${identity} --out ${first.name}-escrow.txt`),
    ],
  ];
  if (made.length > 0) {
    steps.push([
      'Move the identities of the owners off this machine, each to its owner and to a second place, such as a',
      'password store and a USB stick in a safe. What only they can open is lost with them:',
      ...made.map(({ identityFile }) => typed(identityFile!)),
    ]);
  }
  return [
    `${style.green('Made')} ${result.config}\n`,
    facts(
      [
        ['repository', `${result.repository} (${result.created ? 'new' : 'was there'})`],
        ['host identity', result.hostIdentity],
        ['owners', result.owners.map(({ name }) => name).join(', ')],
        ['trust', result.trustSha256],
      ],
      style,
    ),
    `\n${style.bold('Next')}\n`,
    ...steps.map((lines, index) => `  ${index + 1}. ${lines.join('\n     ')}\n`),
  ].join('');
}

export function openedText(opened: { repository: string; created: boolean; trustSha256: string }): string {
  const what = opened.created ? 'The repository was made' : 'The repository was there already';
  return `${what}: ${opened.repository}\nTrust: ${opened.trustSha256}\n`;
}
