import { describe, expect, it } from 'vitest';
import { chooseDatabases } from '../../src/sources/postgres/cluster-databases.ts';

const all = ['app', 'app_1', 'app_2', 'crm', 'postgres', 'scratch_1'].map((name) => ({ name }));
const choose = (databases: 'all' | string[], exclude: string[] = []) => {
  const { chosen, wants: _, has: __, ...rest } = chooseDatabases(all, { databases, exclude });
  return { ...rest, chosen: chosen.map(({ name }) => name) };
};
const nothing = { excluded: [], missing: [], unused: [] };

describe('which databases of a cluster are taken', () => {
  it('all of them', () => expect(choose('all')).toEqual({ ...nothing, chosen: all.map(({ name }) => name) }));

  it('those that fit a pattern', () => {
    expect(choose(['app*'])).toEqual({ ...nothing, chosen: ['app', 'app_1', 'app_2'] });
    expect(choose(['app_?', 'crm'])).toEqual({ ...nothing, chosen: ['app_1', 'app_2', 'crm'] });
    expect(choose(['a.p', 'APP'])).toEqual({ ...nothing, chosen: [], missing: ['a.p', 'APP'] });
  });

  it('but for those that are left out', () => {
    expect(choose('all', ['scratch_*', 'crm'])).toEqual({
      ...nothing,
      chosen: ['app', 'app_1', 'app_2', 'postgres'],
      excluded: ['crm', 'scratch_1'],
    });
    expect(choose(['app*'], ['app_1', 'crm'])).toEqual({
      ...nothing,
      chosen: ['app', 'app_2'],
      excluded: ['app_1'],
    });
  });

  it('tells of what fits nothing', () => {
    expect(choose(['app', 'old', 'x*'], ['y?', 'z'])).toEqual({
      chosen: ['app'],
      excluded: [],
      missing: ['old'],
      unused: ['x*', 'y?', 'z'],
    });
  });

  it('knows of a database that is not there whether it was wanted', () => {
    const { wants, has } = chooseDatabases(all, { databases: ['app*'], exclude: ['app_3'] });
    expect(['app_9', 'app_3', 'crm'].map(wants)).toEqual([true, false, false]);
    expect(['app', 'app_9'].map(has)).toEqual([true, false]);
  });
});
