/**
 * Signed JSON: a DSSE envelope (secure-systems-lab/dsse, protocol version 1) with one Ed25519 signature over
 * PAE(type, payload), so that what is verified is exactly what is parsed.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { publicKeyOf } from './signing-keys.ts';

export const payloadType = 'application/vnd.holdfast+json';

/** Of statements that others read too: docs/format.md §13. */
export const inTotoType = 'application/vnd.in-toto+json';

export interface Signer {
  /** `hfsig1…`, the envelope's keyid. */
  readonly publicSigningKey: string;
  readonly privateKey: KeyObject;
}

/** An envelope as found: nothing in it is to be believed before `verifyEnvelope`. */
export interface Envelope {
  payloadType: string;
  /** Lies in `signed`. */
  payload: Buffer;
  /** What the signature is over. Memory of its own, which may be given back once nobody looks at `payload` any more. */
  signed: Buffer;
  keyid: string;
  signature: Buffer;
}

/** The envelope of `payload`, as JSON text with one newline at its end. @param type of the payload */
export function signEnvelope(payload: object, signer: Signer, type: string = payloadType): Buffer {
  const bytes = Buffer.from(JSON.stringify(payload));
  const envelope = {
    payloadType: type,
    payload: bytes.toString('base64'),
    signatures: [
      {
        keyid: signer.publicSigningKey,
        sig: sign(null, preAuthEncoding(type, bytes), signer.privateKey).toString('base64'),
      },
    ],
  };
  return Buffer.from(`${JSON.stringify(envelope)}\n`);
}

/** @throws HoldfastError `object-damaged` when it is not an envelope of ours, with a payload of that type */
export function parseEnvelope(bytes: Uint8Array, type: string = payloadType): Envelope {
  try {
    const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
    const apart = payloadApart(text);
    const found = JSON.parse(apart?.rest ?? text.toString('utf8'));
    const [signature, ...others] = found.signatures;
    if (found.payloadType !== type || others.length > 0) throw new Error('another type, or several signatures');
    const { keyid, sig } = signature;
    if (typeof found.payload !== 'string' || typeof keyid !== 'string' || typeof sig !== 'string')
      throw new Error('types');
    const { payload, signed } = apart
      ? decodePayload(type, apart.base64.length, (from, to) => apart.base64.toString('latin1', from, to))
      : decodePayload(type, found.payload.length, (from, to) => found.payload.slice(from, to));
    return { payloadType: type, payload, signed, keyid, signature: Buffer.from(sig, 'base64') };
  } catch (cause) {
    throw new HoldfastError('object-damaged', 'A signed object is malformed.', {
      why: 'It is not an envelope with one signature.',
      cause,
    });
  }
}

/** Whether `publicSigningKey` made the signature. */
export function verifyEnvelope(envelope: Envelope, publicSigningKey: string): boolean {
  if (envelope.keyid !== publicSigningKey) return false;
  return verify(null, envelope.signed, publicKeyOf(publicSigningKey), envelope.signature);
}

/** Below this, one text more or less does not matter. */
const largeBytes = 64 * 1024;
const payloadBegins = Buffer.from('"payload":"');
const restOfOurs = /^","signatures":\[\{"keyid":"[\w-]*","sig":"[\w+/=]*"\}\]\}\n$/;

/**
 * The payload of a large envelope, and the rest as JSON with an empty payload, if it is written as `signEnvelope` writes
 * it: a snapshot of a terabyte has a payload of megabytes, which need not become a string for being decoded.
 */
function payloadApart(text: Buffer): { base64: Buffer; rest: string } | undefined {
  if (text.length < largeBytes) return undefined;
  const from = text.subarray(0, 256).indexOf(payloadBegins) + payloadBegins.length;
  const to = text.indexOf(0x22, from);
  if (from < payloadBegins.length || to < 0 || text.length - to > 1024) return undefined;
  const [head, tail] = [text.toString('latin1', 0, from), text.toString('latin1', to)];
  if (!/^\{"payloadType":"[\w./+-]+","payload":"$/.test(head) || !restOfOurs.test(tail)) return undefined;
  const base64 = text.subarray(from, to);
  return base64.includes(0x5c) ? undefined : { base64, rest: head + tail };
}

/** Decodes base64 in parts of this many characters, whole groups of four. */
const base64Part = 64 * 1024;

/** Behind what the signature is over besides, so that nothing is copied for verifying it. */
function decodePayload(type: string, length: number, part: (from: number, to: number) => string) {
  const padding = /={0,2}$/.exec(part(Math.max(0, length - 2), length))![0].length;
  const size = Math.floor(((length - padding) * 3) / 4);
  const head = preAuthHead(type, size);
  const signed = Buffer.allocUnsafeSlow(head.length + size);
  head.copy(signed);
  let at = head.length;
  for (let from = 0; from < length; from += base64Part) {
    at += signed.write(part(from, Math.min(length, from + base64Part)), at, 'base64');
  }
  if (at !== signed.length) throw new Error('no plain base64');
  return { signed, payload: signed.subarray(head.length) };
}

function preAuthEncoding(type: string, payload: Buffer): Buffer {
  return Buffer.concat([preAuthHead(type, payload.length), payload]);
}

function preAuthHead(type: string, payloadLength: number): Buffer {
  return Buffer.from(`DSSEv1 ${type.length} ${type} ${payloadLength} `);
}
