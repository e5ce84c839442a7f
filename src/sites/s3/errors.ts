/** How the s3 site says what went wrong. The SDK's own texts are never shown: some of them quote credentials. */
import { HoldfastError, isHoldfastError, systemCode } from '../../base/errors.ts';
import type { Verdict } from '../retry.ts';

/** What is known about a failed request. */
export interface Failure {
  /** The service's or the system's name for it: `NoSuchBucket`, `ECONNRESET`. */
  name: string;
  /** HTTP status; undefined when there was no answer. */
  status: number | undefined;
  requestId: string | undefined;
  /** What the service asks for. */
  retryAfterMs: number | undefined;
  /** The region in which the bucket is, when the service says so. */
  region: string | undefined;
}

/** An answer that does not keep what the protocol promises: a body too short, a range that was not asked for. */
export class BadAnswer extends Error {}

interface SdkError {
  name?: string;
  $metadata?: { httpStatusCode?: number; requestId?: string };
  $response?: { statusCode?: number; headers?: Record<string, string> };
  Region?: unknown;
}

export function failureOf(error: unknown): Failure {
  const { name, $metadata, $response, Region } = error as SdkError;
  const headers = $response?.headers ?? {};
  const seconds = Number(headers['retry-after']);
  const status = $metadata?.httpStatusCode ?? $response?.statusCode;
  return {
    name: (status === undefined ? systemCode(error) : undefined) ?? name ?? 'unknown',
    status,
    requestId: $metadata?.requestId,
    retryAfterMs: headers['retry-after'] !== undefined && seconds >= 0 ? seconds * 1000 : undefined,
    region: typeof Region === 'string' ? Region : headers['x-amz-bucket-region'],
  };
}

export function hasStatus(error: unknown, status: number): boolean {
  return failureOf(error).status === status;
}

/** Whether there is no such object. HEAD cannot tell that from there being no bucket; opening the site does. */
export function isMissingObject(error: unknown): boolean {
  const { name, status } = failureOf(error);
  // Named `Error`, it is a page of some proxy, not the server's answer.
  return status === 404 && name !== 'NoSuchBucket' && name !== 'Error';
}

const networkFailures = [
  ...['ECONNRESET', 'ECONNREFUSED', 'ECONNABORTED', 'EPIPE', 'ETIMEDOUT', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN'],
  ...['EAI_AGAIN', 'ENOTFOUND', 'EHOSTDOWN', 'EADDRNOTAVAIL', 'TimeoutError', 'ERR_STREAM_PREMATURE_CLOSE'],
];
/** HPE_…: what Node's HTTP parser says about an answer that is garbled. */
const isNetworkFailure = (name: string): boolean => networkFailures.includes(name) || name.startsWith('HPE_');

/** Failures before anything was sent, so that nothing can have been stored. */
const notSent = ['ECONNREFUSED', 'EAI_AGAIN', 'ENOTFOUND', 'EHOSTUNREACH', 'ENETUNREACH', 'ENETDOWN', 'EADDRNOTAVAIL'];
const passing = [
  ...['SlowDown', 'ServiceUnavailable', 'InternalError', 'RequestTimeout', 'OperationAborted', 'Throttling'],
  ...['ThrottlingException', 'TooManyRequests', 'RequestThrottled', 'ConditionalRequestConflict', 'BadDigest'],
  // The SDK corrects its own clock by the answer, so another attempt helps; unless it does not.
  ...['RequestTimeTooSkewed', 'ClockSkew'],
];
const tlsFailures =
  /^(CERT_|DEPTH_ZERO_SELF_SIGNED|SELF_SIGNED_|UNABLE_TO_|ERR_TLS_|ERR_SSL_|EPROTO|HOSTNAME_MISMATCH|INVALID_CA)/;

/** Whether another attempt may succeed. */
export function judge(error: unknown): Verdict {
  if (isHoldfastError(error)) return 'final';
  if (error instanceof BadAnswer) return { why: error.message };
  const { name, status, retryAfterMs } = failureOf(error);
  if (name === 'AbortError') return 'final';
  if (passing.includes(name)) return { why: name, retryAfterMs };
  if (status === undefined) return isNetworkFailure(name) ? { why: name } : 'final';
  if (status < 300) return { why: 'an answer that makes no sense' };
  if ([408, 409, 429].includes(status) || (status >= 500 && status !== 501 && status !== 505 && status !== 507)) {
    return { why: `HTTP ${status}`, retryAfterMs };
  }
  return 'final';
}

/** Whether a failed PUT may have stored its object all the same. */
export function mayHaveHappened(error: unknown): boolean {
  const { name, status } = failureOf(error);
  return !(notSent.includes(name) || (status !== undefined && status >= 300 && status < 500) || name === 'SlowDown');
}

/** What an operation failed with, as an operator should read it. */
export function s3Error(site: string, message: string, error: unknown): unknown {
  if (isHoldfastError(error)) return error;
  if (error instanceof BadAnswer) {
    const hint = 'Look for a proxy in between; if there is none, the server does not speak S3 well enough.';
    return new HoldfastError('site-unavailable', message, { why: error.message, hint, cause: error });
  }
  const failure = failureOf(error);
  const { name, status, requestId } = failure;
  const known = isNetworkFailure(name) || passing.includes(name) || tlsFailures.test(name);
  // Without an answer, and not for the network's sake, it is a mistake in this program, or credentials are missing.
  if (status === undefined && !known && !explanations[name]) return error;
  // The SDK's error carries the request, signature included; its name, status and id are all that is of use.
  const id = requestId === undefined ? '' : `, request ${requestId}`;
  const cause = new Error(status === undefined ? name : `${name}, HTTP ${status}${id}`);
  const { code = 'site-unavailable', why, hint } = explain(site, failure);
  return new HoldfastError(code, message, { why, hint, cause });
}

interface Explanation {
  code?: 'site-full' | 'no-repository';
  why: string;
  hint: string;
}

function explain(site: string, failure: Failure): Explanation {
  const { name, status, region } = failure;
  const found = explanations[name];
  if (found) return found;
  if (tlsFailures.test(name)) {
    return {
      why: `The encrypted connection could not be made (${name}): the server's certificate is not believed.`,
      hint: `Check the endpoint, and give the certificate authority that signed it as a PEM file to the site "${site}".`,
    };
  }
  if (status === undefined) {
    return {
      why: `The server could not be reached, or the connection broke (${name}).`,
      hint: `Check the endpoint of the site "${site}", the network and any proxy in between.`,
    };
  }
  if (status < 300 || (status === 404 && name === 'Error')) {
    const hint = 'Check the endpoint, and look for a proxy in between.';
    return { why: `The answer (HTTP ${status}) makes no sense.`, hint };
  }
  if (status === 301 || status === 307 || name === 'AuthorizationHeaderMalformed') {
    const where = region === undefined ? 'another region' : `the region ${region}`;
    return { why: `The bucket is in ${where}.`, hint: `Set that region for the site "${site}".` };
  }
  if (status === 403 || status === 401) return explanations.AccessDenied!;
  if (status === 404) return explanations.NoSuchBucket!;
  if (status === 507) return explanations.QuotaExceeded!;
  if (status === 501) {
    return { why: `The server does not implement this (${name}).`, hint: 'docs/sites.md says what a server must do.' };
  }
  if (status === 429 || status === 503 || passing.includes(name)) {
    return { why: `The server asks to slow down, or is overloaded (${name}).`, hint: 'Start the command again later.' };
  }
  if (status >= 500) return { why: `The server failed (HTTP ${status}).`, hint: 'Start the command again later.' };
  return { why: `The server refused it (${name}, HTTP ${status}).`, hint: 'docs/sites.md says what a server must do.' };
}

const credentialsHint = 'Check the access key and the secret key of the site, and that they have not expired.';
const full: Explanation = {
  code: 'site-full',
  why: 'The quota is used up, or the server has no room left.',
  hint: 'Make room at the site: holdfast prune, a larger quota.',
};
const skew: Explanation = {
  why: 'The clocks of this machine and of the server differ by too much.',
  hint: 'Set the clock of this machine (NTP).',
};

const explanations: Record<string, Explanation> = {
  InvalidAccessKeyId: { why: 'The server does not know this access key.', hint: credentialsHint },
  SignatureDoesNotMatch: { why: 'The secret key does not belong to the access key.', hint: credentialsHint },
  ExpiredToken: { why: 'The session token has expired.', hint: credentialsHint },
  InvalidToken: { why: 'The session token is not valid.', hint: credentialsHint },
  CredentialsProviderError: {
    why: 'No credentials were found.',
    hint: 'Give the site an access key and a secret key, or the machine a role.',
  },
  AccessDenied: {
    why: 'These credentials lack the permission, or the bucket is not theirs.',
    hint: 'docs/sites.md has the policy that a backup needs.',
  },
  AllAccessDisabled: { why: 'The account is disabled.', hint: 'Ask the operator of the site.' },
  NoSuchBucket: {
    code: 'no-repository',
    why: 'There is no such bucket.',
    hint: 'Check its name and the endpoint; Holdfast makes no buckets.',
  },
  PermanentRedirect: {
    why: 'The bucket is reached by another address, or is in another region.',
    hint: 'Set the region and the endpoint that its operator names.',
  },
  InvalidObjectState: {
    why: 'The object was moved to an archive, from which it cannot be read at once.',
    hint: 'Restore it from the archive with the tools of its operator, and keep lifecycle rules off this prefix.',
  },
  RequestTimeTooSkewed: skew,
  ClockSkew: skew,
  QuotaExceeded: full,
  XMinioStorageFull: full,
  InsufficientStorage: full,
  EntityTooLarge: { why: 'The server does not take objects of this size.', hint: 'It must take objects of 64 MiB.' },
  InvalidRetentionPeriod: {
    why: 'The server does not take this retention date.',
    hint: 'Check the limits of its Object Lock.',
  },
};
