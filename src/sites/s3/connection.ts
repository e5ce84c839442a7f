/** The SDK, set up for one bucket: no retries of its own, sockets that are bounded and kept, nothing printed. */
import { setMaxListeners } from 'node:events';
import { readFile } from 'node:fs/promises';
import { Agent as HttpAgent } from 'node:http';
import { Agent as HttpsAgent } from 'node:https';
import type { GetObjectCommandInput, S3 } from '@aws-sdk/client-s3';
import { systemClock } from '../../base/clock.ts';
import { HoldfastError } from '../../base/errors.ts';
import { closed } from '../disk-errors.ts';
import { isObjectName } from '../names.ts';
import { defaultRetry, type RetrySettings, withRetries } from '../retry.ts';
import { readBody } from './body.ts';
import { BadAnswer, judge, s3Error } from './errors.ts';
import { sizeKey } from './metadata.ts';
import type { S3SiteOptions } from './options.ts';

const silentLogger = { trace() {}, debug() {}, info() {}, warn() {}, error() {} };

/** Clocks that differ by more are not believed when something is locked. */
const mostOffMs = 3600_000;

export class S3Connection {
  readonly site: string;
  readonly client: S3;
  readonly options: S3SiteOptions;
  /** What object names are put behind: empty, or ending in `/`. */
  readonly root: string;
  readonly #retry: RetrySettings;
  readonly #abort = new AbortController();

  constructor(options: S3SiteOptions, client: S3) {
    this.site = options.name;
    this.options = options;
    this.client = client;
    const prefix = options.prefix?.replace(/^\/+|\/+$/g, '') ?? '';
    this.root = prefix === '' ? '' : `${prefix}/`;
    this.#retry = { clock: systemClock, ...defaultRetry, ...options.retry };
    // Each request under way listens; Node takes more than ten for a leak.
    setMaxListeners(0, this.#abort.signal);
  }

  /** Bucket and key of an object, as the SDK wants them. */
  readonly at = (name: string): { Bucket: string; Key: string } => {
    return { Bucket: this.options.bucket, Key: this.root + name };
  };

  /** The object whose key this is; undefined for what is none of ours. */
  nameOf(key: string | undefined): string | undefined {
    if (!key?.startsWith(this.root)) return undefined;
    const name = key.slice(this.root.length);
    return isObjectName(name) ? name : undefined;
  }

  /**
   * Runs one operation, again where that may help, and says in words why it failed.
   *
   * @param what the beginning of a sentence: `packs/… could not be stored`
   */
  async attempt<T>(
    what: string,
    work: (options: { abortSignal: AbortSignal }) => Promise<T>,
    retry: Partial<RetrySettings> = {},
  ): Promise<T> {
    const { signal } = this.#abort;
    const attempted = { site: this.site, what, judge, signal };
    try {
      this.assertOpen();
      return await withRetries({ ...this.#retry, ...retry }, attempted, () => work({ abortSignal: signal }));
    } catch (error) {
      if (signal.aborted) throw closed(this.site);
      throw s3Error(this.site, `${what} at the site "${this.site}".`, error);
    }
  }

  /** How long opening may be tried: who starts a command wants to hear soon that the address is wrong. */
  get openingRetry(): Partial<RetrySettings> {
    return { deadlineMs: Math.min(this.#retry.deadlineMs, 15_000) };
  }

  /** The body of a GET, and how many bytes the whole object has. One attempt. */
  async get(
    input: GetObjectCommandInput,
    options: { abortSignal: AbortSignal },
  ): Promise<{ bytes: Buffer; range: string | undefined; status: number | undefined }> {
    const output = await this.client.getObject(input, options);
    const bytes = await readBody(output.Body, output.ContentLength);
    const size = output.Metadata?.[sizeKey];
    if (input.Range === undefined && size !== undefined && Number(size) !== bytes.length) {
      throw new BadAnswer(`The answer had ${bytes.length} bytes of ${size}.`);
    }
    return { bytes, range: output.ContentRange, status: output.$metadata.httpStatusCode };
  }

  /**
   * A lock cannot be taken back: one that a clock has set which is years ahead would stay for years. The SDK learns from each
   * answer how far this clock is off.
   *
   * @throws HoldfastError `site-unavailable`
   */
  assertClock(): void {
    const offset = this.client.config.systemClockOffset;
    if (Math.abs(offset) < mostOffMs) return;
    throw new HoldfastError('site-unavailable', `Nothing is locked at the site "${this.site}".`, {
      why: `The clock of this machine and that of the server differ by ${Math.round(Math.abs(offset) / 60_000)} minutes.`,
      hint: 'Set the clock of this machine (NTP).',
    });
  }

  assertOpen(): void {
    if (this.#abort.signal.aborted) throw closed(this.site);
  }

  close(): void {
    this.#abort.abort();
    this.client.destroy();
  }
}

/** Loads the SDK, and makes a client. Nothing is sent. */
export async function connectS3(options: S3SiteOptions): Promise<S3Connection> {
  const [{ S3 }, { NodeHttpHandler }] = await Promise.all([
    import('@aws-sdk/client-s3'),
    import('@smithy/node-http-handler'),
  ]);
  const client = new S3({
    region: options.region ?? 'us-east-1',
    forcePathStyle: options.pathStyle ?? false,
    maxAttempts: 1,
    // MD5 and the signed SHA-256 of the body are what servers check; not all know the newer checksums.
    requestChecksumCalculation: 'WHEN_REQUIRED',
    responseChecksumValidation: 'WHEN_REQUIRED',
    expectContinueHeader: false,
    followRegionRedirects: false,
    logger: silentLogger,
    requestHandler: new NodeHttpHandler({
      ...(await agents(options)),
      connectionTimeout: options.connectTimeoutMs ?? 10_000,
      // By silence, not by total time: a pack over a slow line takes as long as it takes.
      socketTimeout: options.idleTimeoutMs ?? 60_000,
      logger: silentLogger,
    }),
    ...(options.endpoint === undefined ? {} : { endpoint: options.endpoint }),
    ...(options.credentials === undefined ? {} : { credentials: options.credentials }),
  });
  return new S3Connection(options, client);
}

async function agents(options: S3SiteOptions): Promise<{ httpAgent: HttpAgent; httpsAgent: HttpsAgent }> {
  const common = { keepAlive: true, maxSockets: options.connections ?? 16 };
  const tls = options.caFile === undefined ? {} : { ca: await certificates(options.name, options.caFile) };
  if (options.proxy === undefined) {
    return { httpAgent: new HttpAgent(common), httpsAgent: new HttpsAgent({ ...common, ...tls }) };
  }
  const { HttpProxyAgent, HttpsProxyAgent } = await import('hpagent');
  const proxy = proxyUrl(options.name, options.proxy);
  return {
    httpAgent: new HttpProxyAgent({ ...common, proxy }),
    httpsAgent: new HttpsProxyAgent({ ...common, ...tls, proxy }),
  };
}

async function certificates(site: string, path: string): Promise<string> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    throw new HoldfastError('config', `The certificate authorities of the site "${site}" could not be read.`, {
      why: `${path} is missing or may not be read.`,
      hint: 'Give a PEM file with the certificate that signed that of the server.',
      cause: error,
    });
  }
}

/** The error of a malformed URL would quote it, password and all. */
function proxyUrl(site: string, text: string): URL {
  if (URL.canParse(text)) return new URL(text);
  throw new HoldfastError('config', `The proxy of the site "${site}" is not a URL.`, {
    hint: 'Write it as http://proxy:3128 or http://user:password@proxy:3128.',
  });
}
