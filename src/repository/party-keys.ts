/** Who has keys of a source, and who should: the parties of the configuration change, the keys do not by themselves. */

import { sha256Hex } from '../crypt/secrets.ts';
import type { ChangeableSource } from './source-change.ts';
import { type SourceKeys, sealKeysFor } from './source-keys.ts';
import type { GenerationRecord, SourceRecord } from './source-record.ts';
import type { Trust, TrustParty } from './trust.ts';

/** How the keys of a source differ from the configuration. */
export interface PartiesOutOfStep {
  /** Have keys of the newest generation, and are not parties any more, or retired: new data is sealed to them too. */
  left: string[];
  /** Are parties, and lack a key of some generation. */
  lacking: { party: TrustParty; generations: number[] }[];
}

/** Compares the record of a source with the configuration. */
export function partiesOutOfStep(trust: Trust, name: string, record: SourceRecord): PartiesOutOfStep {
  const parties = trust.partiesFor(name);
  const current = new Set(parties.map((party) => party.name));
  const newest = record.generations.at(-1)?.keys ?? [];
  return {
    left: newest.map(({ party }) => party).filter((party) => !current.has(party)),
    lacking: parties.flatMap((party) => {
      const without = record.generations.filter(({ keys }) => !hasKey(keys, party));
      return without.length === 0 ? [] : [{ party, generations: without.map(({ generation }) => generation) }];
    }),
  };
}

/** One who had a host's keys, and proves restores now, needs others. */
function hasKey(keys: GenerationRecord['keys'], { name, role }: TrustParty): boolean {
  return keys.some((key) => key.party === name && (key.role === role || (key.role !== 'backup' && role !== 'backup')));
}

/** The generations of a record, with keys for those who lack them. */
export async function grantedGenerations(
  source: ChangeableSource,
  lacking: PartiesOutOfStep['lacking'],
): Promise<{ generations: GenerationRecord[]; objects: Map<string, Buffer> }> {
  const objects = new Map<string, Buffer>();
  const generations: GenerationRecord[] = [];
  for (const record of source.record.generations) {
    const added: GenerationRecord['keys'] = [];
    const keys = source.keys.find(({ generation }) => generation === record.generation)!;
    for (const { party, generations: wanted } of lacking) {
      if (wanted.includes(record.generation)) added.push(await sealFor(party, keys, source, objects));
    }
    const kept = record.keys.filter((key) => !added.some(({ party }) => party === key.party));
    generations.push({ ...record, keys: [...kept, ...added] });
  }
  return { generations, objects };
}

/** The record of a new generation, sealed to these parties. @param time ISO 8601 */
export async function newGeneration(
  source: ChangeableSource,
  keys: SourceKeys,
  parties: readonly TrustParty[],
  time: string,
): Promise<{ generation: GenerationRecord; objects: Map<string, Buffer> }> {
  const objects = new Map<string, Buffer>();
  const entries: GenerationRecord['keys'] = [];
  for (const party of parties) entries.push(await sealFor(party, keys, source, objects));
  const { generation, dataRecipient, catalogRecipient } = keys;
  return { generation: { generation, time, dataRecipient, catalogRecipient, keys: entries }, objects };
}

async function sealFor(
  party: TrustParty,
  keys: SourceKeys,
  { layout }: ChangeableSource,
  objects: Map<string, Buffer>,
): Promise<GenerationRecord['keys'][number]> {
  const object = await sealKeysFor(party, keys);
  objects.set(layout.key(keys.generation, party.name), object);
  return { party: party.name, role: party.role, sha256: sha256Hex(object) };
}
