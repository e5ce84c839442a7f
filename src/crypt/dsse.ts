/**
 * Signed JSON: a DSSE envelope (secure-systems-lab/dsse, protocol version 1) with one Ed25519 signature over
 * PAE(type, payload), so that what is verified is exactly what is parsed.
 */
import { type KeyObject, sign, verify } from 'node:crypto';
import { HoldfastError } from '../base/errors.ts';
import { publicKeyOf } from './signing-keys.ts';

export const payloadType = 'application/vnd.holdfast+json';

export interface Signer {
  /** `hfsig1…`, the envelope's keyid. */
  readonly publicSigningKey: string;
  readonly privateKey: KeyObject;
}

/** An envelope as found: nothing in it is to be believed before `verifyEnvelope`. */
export interface Envelope {
  payload: Buffer;
  keyid: string;
  signature: Buffer;
}

/** The envelope of `payload`, as JSON text with one newline at its end. */
export function signEnvelope(payload: object, signer: Signer): Buffer {
  const bytes = Buffer.from(JSON.stringify(payload));
  const envelope = {
    payloadType,
    payload: bytes.toString('base64'),
    signatures: [
      {
        keyid: signer.publicSigningKey,
        sig: sign(null, preAuthEncoding(bytes), signer.privateKey).toString('base64'),
      },
    ],
  };
  return Buffer.from(`${JSON.stringify(envelope)}\n`);
}

/** @throws HoldfastError `object-damaged` when it is not an envelope of ours */
export function parseEnvelope(bytes: Uint8Array): Envelope {
  try {
    const found = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8'));
    const [signature, ...others] = found.signatures;
    if (found.payloadType !== payloadType || others.length > 0) throw new Error('another type, or several signatures');
    const { keyid, sig } = signature;
    if (typeof found.payload !== 'string' || typeof keyid !== 'string' || typeof sig !== 'string')
      throw new Error('types');
    return { payload: Buffer.from(found.payload, 'base64'), keyid, signature: Buffer.from(sig, 'base64') };
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
  return verify(null, preAuthEncoding(envelope.payload), publicKeyOf(publicSigningKey), envelope.signature);
}

function preAuthEncoding(payload: Buffer): Buffer {
  const head = `DSSEv1 ${payloadType.length} ${payloadType} ${payload.length} `;
  return Buffer.concat([Buffer.from(head), payload]);
}
