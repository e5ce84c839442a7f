import type { Site } from './sites.ts';

/** Where a site is, as people write it: a directory, `s3://bucket/prefix at endpoint`, `sftp://user@host:port/path`. */
export function placeOf(site: Site): string {
  switch (site.type) {
    case 'disk':
      return site.path;
    case 's3':
      return `s3://${site.bucket}/${site.prefix ?? ''}${site.endpoint ? ` at ${site.endpoint}` : ''}`;
    case 'sftp':
      return `sftp://${site.user}@${site.host}${site.port === 22 ? '' : `:${site.port}`}/${site.path}`;
  }
}
