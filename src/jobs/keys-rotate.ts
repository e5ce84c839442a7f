import { isoTime } from '../base/clock.ts';
import type { RepositoryAccess } from '../repository/access.ts';
import { newGeneration, partiesOutOfStep } from '../repository/party-keys.ts';
import { changeSource, openForChange } from '../repository/source-change.ts';
import { nextSourceKeys } from '../repository/source-keys.ts';
import { actOnSources, type KeyActReport, type KeyActRequest, type SourceAct } from './key-acts.ts';

export interface SourceRotation extends SourceAct {
  /** Had keys of the generation before, and has none of the new one. */
  left: string[];
  /** Have keys of the new generation, and lack older ones: they cannot restore until they were granted. */
  lackOlder: string[];
}

/**
 * Begins a new generation of keys: what is stored from now on is sealed to the parties that the configuration has now. What
 * was stored before stays open to whoever could open it.
 */
export async function rotateKeys(
  access: RepositoryAccess,
  request: KeyActRequest,
): Promise<KeyActReport<SourceRotation | SourceAct>> {
  const { dryRun } = request;
  return actOnSources<SourceRotation>(access, request, async (access, name) => {
    const source = await openForChange(access, name, { dryRun });
    if (source === undefined) return { source: name, result: 'not-begun', granted: [] };
    const { left, lacking } = partiesOutOfStep(access.trust, name, source.record);
    const parties = access.trust.partiesFor(name);
    const number = source.record.generations.length + 1;
    const report: SourceRotation = {
      source: name,
      result: 'changed',
      granted: parties.map(({ name: party, role }) => ({ party, role, generations: [number] })),
      generation: number,
      left,
      lackOlder: lacking.map(({ party }) => party.name),
    };
    if (dryRun) return report;
    const keys = await nextSourceKeys(source.keys[0]!);
    const { generation, objects } = await newGeneration(source, keys, parties, isoTime(access.clock.now()));
    await changeSource(access, source, { objects, generations: [...source.record.generations, generation] });
    return report;
  });
}
