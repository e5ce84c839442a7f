import type { Emit } from '../base/events.ts';
import { partiesOutOfStep } from '../repository/party-keys.ts';
import type { OpenedSource } from '../repository/source-record.ts';
import type { Trust } from '../repository/trust.ts';

export const rotateHint = 'An owner begins a new generation of keys: holdfast keys rotate -i FILE';
export const grantHint = 'An owner gives them theirs: holdfast keys grant -i FILE';

/** Gathers where the keys of sources and the configuration have gone apart, so that a run tells it once. */
export class KeyNotices {
  readonly #left = new Map<string, string[]>();
  readonly #lacking = new Map<string, string[]>();

  note(trust: Trust, { name, record }: Pick<OpenedSource, 'name' | 'record'>): void {
    const { left, lacking } = partiesOutOfStep(trust, name, record);
    for (const party of left) add(this.#left, party, name);
    for (const { party } of lacking) add(this.#lacking, party.name, name);
  }

  tell(emit: Emit): void {
    if (this.#left.size > 0) {
      const text = `New data is sealed to parties that the configuration does not have any more: ${shown(this.#left)}.`;
      emit({ type: 'warning', text, hint: rotateHint });
    }
    if (this.#lacking.size > 0) {
      const text = `Parties of the configuration lack keys: ${shown(this.#lacking)}.`;
      emit({ type: 'warning', text, hint: grantHint });
    }
  }
}

function add(sources: Map<string, string[]>, party: string, source: string): void {
  const before = sources.get(party);
  if (before === undefined) sources.set(party, [source]);
  else if (!before.includes(source)) before.push(source);
}

function shown(sources: ReadonlyMap<string, readonly string[]>): string {
  return [...sources]
    .map(([party, [first, ...more]]) => `${party} (${first}${more.length > 0 ? ` and ${more.length} more` : ''})`)
    .join(', ');
}
