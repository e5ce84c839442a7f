import type { RetrySettings } from '../retry.ts';

export interface S3SiteOptions {
  /** The site's name, for messages. */
  name: string;
  /** `https://…`, for what is not AWS. Without: AWS. */
  endpoint?: string;
  bucket: string;
  /** Where in the bucket; a `/` at its end is added. */
  prefix?: string;
  /** Most servers that are not AWS take any; default `us-east-1`. */
  region?: string;
  /** The bucket in the path instead of the host name; most servers that are not AWS want it. */
  pathStyle?: boolean;
  /** Without: what the machine has, in the SDK's own order (environment, files, role). */
  credentials?: S3Credentials;
  /** For objects of 128 KiB and more; smaller ones cost more in the cheap classes than they save. */
  storageClass?: string;
  encryption?: { type: 'AES256' } | { type: 'aws:kms'; keyId?: string };
  /** PEM file with the only certificate authorities to believe. Without: those of Node. */
  caFile?: string;
  /** `http://user:password@proxy:3128` */
  proxy?: string;
  /** How what is created with `retainUntil` is locked. Only COMPLIANCE binds everybody. */
  lockMode?: 'COMPLIANCE' | 'GOVERNANCE';
  /** Do not find out whether create can be exclusive, which needs the right to write. */
  readOnly?: boolean;
  /** Connections at the same time; default 16. */
  connections?: number;
  /** Milliseconds to wait for a connection; default 10 s. */
  connectTimeoutMs?: number;
  /** Milliseconds without a byte in either direction after which a connection is given up; default 60 s. */
  idleTimeoutMs?: number;
  /** Where it differs from the default. */
  retry?: Partial<RetrySettings>;
}

export interface S3Credentials {
  accessKeyId: string;
  secretAccessKey: string;
  sessionToken?: string;
}
