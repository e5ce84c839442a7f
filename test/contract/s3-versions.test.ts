/** An attacker who has the credentials of a backup host, and a bucket with Object Lock. */
import {
  DeleteObjectCommand,
  ListObjectVersionsCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  PutObjectRetentionCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { openS3Site } from '../../src/sites/s3/site.ts';
import type { ObjectVersion, Site } from '../../src/sites/site.ts';
import { type CephServer, startCeph } from '../support/ceph.ts';
import { collected } from '../support/collected.ts';

let ceph: CephServer;
let site: Site;
let attacker: S3Client;
let bucket: string;
const body = Buffer.from('what the owner wants back');
const tomorrow = () => Date.now() + 24 * 3600 * 1000;

const open = (name: string) => {
  const { endpoint, credentials } = ceph;
  return openS3Site({ name: 's3', endpoint, bucket: name, prefix: 'p', pathStyle: true, credentials });
};

beforeAll(async () => {
  ceph = await startCeph();
  bucket = await ceph.bucket({ objectLock: true });
  site = await open(bucket);
  attacker = await ceph.client();
});
afterAll(async () => {
  await site?.close();
  await ceph?.stop();
});

const bodies = async (of: AsyncIterable<ObjectVersion>) => {
  const found: string[] = [];
  for await (const version of of) found.push((await site.versions!.read(version)).toString());
  return found;
};

it('knows what its bucket can do', async () => {
  // Ceph 16 ignores conditions in buckets with versions, later ones do not; the site finds that out.
  expect(site.capabilities).toMatchObject({ durable: true, versioning: true, objectLock: true });
  const plain = await open(await ceph.bucket());
  expect(plain.capabilities).toMatchObject({ versioning: false, objectLock: false });
  await expect(plain.create('a', body, { retainUntil: tomorrow() })).rejects.toMatchObject({
    code: 'site-unavailable',
  });
  expect(await plain.stat('a')).toBeUndefined();
  await plain.close();
});

it('still reads what was overwritten, removed, and could not be destroyed', async () => {
  const name = 'packs/aa/locked';
  expect(await site.create(name, body, { retainUntil: tomorrow() })).toBe('created');
  expect(await site.create(name, body, { retainUntil: tomorrow() })).toBe('exists');
  const at = { Bucket: bucket, Key: `p/${name}` };
  await attacker
    .send(new PutObjectCommand({ ...at, Body: 'garbage', ContentMD5: 'Z1rJHv2+xEUy/UxOCzqeeQ==' }))
    .catch(() => attacker.send(new PutObjectCommand({ ...at, Body: 'garbage' })));
  expect((await site.read(name)).toString()).toBe('garbage');
  await attacker.send(new DeleteObjectCommand(at));
  await expect(site.read(name)).rejects.toMatchObject({ code: 'object-missing' });
  expect(await collected(site.list(''))).toEqual([]);

  const { Versions = [] } = await attacker.send(new ListObjectVersionsCommand({ Bucket: bucket, Prefix: at.Key }));
  const original = Versions.find(({ Size }) => Size === body.length)!.VersionId!;
  const version = { ...at, VersionId: original };
  await expect(attacker.send(new DeleteObjectCommand(version))).rejects.toMatchObject({ name: 'AccessDenied' });
  await expect(
    attacker.send(new DeleteObjectCommand({ ...version, BypassGovernanceRetention: true })),
  ).rejects.toMatchObject({ name: 'AccessDenied' });
  const sooner = { Mode: 'COMPLIANCE', RetainUntilDate: new Date(Date.now() + 5000) } as const;
  await expect(attacker.send(new PutObjectRetentionCommand({ ...version, Retention: sooner }))).rejects.toThrow();
  const VersioningConfiguration = { Status: 'Suspended' } as const;
  await expect(
    attacker.send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration })),
  ).rejects.toThrow();

  expect(await bodies(site.versions!.of(name))).toEqual(['garbage', body.toString()]);
  const listed = await collected(site.versions!.list('packs/'));
  expect(listed.map(({ name, size, current }) => ({ name, size, current }))).toEqual([
    { name, size: 7, current: false },
    { name, size: body.length, current: false },
  ]);
  expect(listed[1]!.storedAt).toBeGreaterThan(Date.now() - 3600_000);
  const part = await site.versions!.read(listed[1]!, { offset: 5, length: 3 });
  expect(part.equals(body.subarray(5, 8))).toBe(true);
  await expect(site.versions!.read(listed[1]!, { offset: 5, length: 300 })).rejects.toMatchObject({
    code: 'object-damaged',
  });

  // The next backup stores it again, since nothing is there.
  expect(await site.create(name, body, { retainUntil: tomorrow() })).toBe('created');
  expect((await site.read(name)).equals(body)).toBe(true);
});

it('finds the versions of one object among thousands, and of no other', async () => {
  const name = 'many/versions';
  const numbers = Array.from({ length: 1100 }, (_, i) => i);
  for (let at = 0; at < numbers.length; at += 50) {
    await Promise.all(numbers.slice(at, at + 50).map((i) => site.replace(name, Buffer.from(`${i}`))));
  }
  await site.replace(`${name}-2`, Buffer.from('other'));
  await site.replace(`${name}/3`, Buffer.from('other'));
  const found = await collected(site.versions!.of(name));
  expect(found).toHaveLength(numbers.length);
  expect(new Set(found.map(({ id }) => id)).size).toBe(numbers.length);
  expect(found.filter(({ current }) => current)).toHaveLength(1);
  expect(found[0]!.current).toBe(true);
  expect((await site.versions!.read(found[0]!)).equals(await site.read(name))).toBe(true);
  const names = (await collected(site.versions!.list('many/'))).map((version) => version.name);
  expect(names.filter((other) => other !== name).sort()).toEqual([`${name}-2`, `${name}/3`]);
});
