/**
 * DSSE envelopes (github.com/secure-systems-lab/dsse, protocol 1.0.2) over RFC 8785 bytes, signed with Ed25519.
 *
 * The signature covers the payload type too, so bytes that were signed as one kind of evidence never pass as another.
 */
import { verify } from 'node:crypto';
import type { z } from 'zod';
import { envelopeSchema, payloadTypes, signers } from '../temporal/contract/evidence.ts';
import type { Role } from '../temporal/contract/evidence.ts';
import type { Digest, Envelope } from '../temporal/contract/messages.ts';
import type { ArtifactStore } from './artifact-store.ts';
import { canonicalJson } from './digest.ts';
import type { PublicKeys, Signer } from './keys.ts';

export type EvidenceKind = keyof typeof payloadTypes;
export type PayloadType = (typeof payloadTypes)[EvidenceKind];

const envelopeMediaType = 'application/vnd.dsse.envelope.v1+json';

/**
 * An envelope that proves nothing: unknown key, wrong role, wrong type, changed bytes, or a payload of another shape.
 */
export class EnvelopeInvalid extends Error {
  override readonly name = 'EnvelopeInvalid';
}

/** The bytes that are signed: DSSE's pre-authentication encoding, lengths in bytes. */
export function preAuthEncoding(payloadType: string, payload: Uint8Array): Buffer {
  const header = `DSSEv1 ${Buffer.byteLength(payloadType)} ${payloadType} ${payload.byteLength} `;
  return Buffer.concat([Buffer.from(header), payload]);
}

/** Signs a value's canonical JSON. Throws when the signer's role may not sign this type. Same input, same envelope. */
export function sign(payload: unknown, payloadType: PayloadType, signer: Signer): Envelope {
  const role = roleFor(payloadType);
  if (signer.role !== role) throw new TypeError(`A ${signer.role} key cannot sign ${payloadType}: that is for ${role}`);
  const bytes = Buffer.from(canonicalJson(payload));
  return {
    payloadType,
    payload: bytes.toString('base64'),
    signatures: [{ keyid: signer.keyid, sig: signer.sign(preAuthEncoding(payloadType, bytes)).toString('base64') }],
  };
}

/**
 * The payload of an envelope, once a key of the right role signed exactly these bytes as exactly this type. Verifies
 * first and parses after. Throws `EnvelopeInvalid` on anything else; signatures by unknown keys are passed over, as
 * DSSE says.
 */
export function open<T>(envelope: unknown, payloadType: PayloadType, schema: z.ZodType<T>, publicKeys: PublicKeys): T {
  try {
    const bytes = verifiedBytes(envelopeSchema.parse(envelope), payloadType, publicKeys);
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    const value: unknown = JSON.parse(text);
    if (canonicalJson(value) !== text) throw new EnvelopeInvalid('The payload is not in canonical form (RFC 8785)');
    return schema.parse(value);
  } catch (error) {
    if (error instanceof EnvelopeInvalid) throw error;
    throw new EnvelopeInvalid(`This is no valid ${payloadType}: it was damaged, or made by another version`, {
      cause: error,
    });
  }
}

/** Signs a payload and keeps the envelope; resolves with the envelope's digest, by which everything refers to it. */
export const putSigned = (
  artifacts: ArtifactStore,
  payload: unknown,
  payloadType: PayloadType,
  signer: Signer,
): Promise<Digest> => putEnvelope(artifacts, sign(payload, payloadType, signer));

/** Keeps an envelope; resolves with the digest of its canonical JSON. */
export async function putEnvelope(artifacts: ArtifactStore, envelope: Envelope): Promise<Digest> {
  const { digest } = await artifacts.put(Buffer.from(canonicalJson(envelope)), envelopeMediaType);
  return digest;
}

/** Fetches an envelope by digest and opens it. Rejects `ArtifactMissing`, `ArtifactDamaged` or `EnvelopeInvalid`. */
export async function getSigned<T>(
  artifacts: ArtifactStore,
  digest: Digest,
  kind: EvidenceKind,
  schema: z.ZodType<T>,
  publicKeys: PublicKeys,
): Promise<T> {
  const text = (await artifacts.get(digest)).toString('utf8');
  return open(parseJson(text, digest), payloadTypes[kind], schema, publicKeys);
}

function verifiedBytes(envelope: Envelope, payloadType: PayloadType, publicKeys: PublicKeys): Buffer {
  if (envelope.payloadType !== payloadType) {
    throw new EnvelopeInvalid(`Expected a signed ${payloadType}, got ${envelope.payloadType}`);
  }
  const role = roleFor(payloadType);
  const bytes = Buffer.from(envelope.payload, 'base64');
  const encoding = preAuthEncoding(payloadType, bytes);
  const signed = envelope.signatures.some(({ keyid, sig }) => {
    const known = publicKeys.get(keyid);
    return known?.role === role && verify(null, encoding, known.key, Buffer.from(sig, 'base64'));
  });
  if (!signed) throw new EnvelopeInvalid(`No ${role} key that is trusted here signed this ${payloadType}`);
  return bytes;
}

function roleFor(payloadType: PayloadType): Role {
  for (const [kind, type] of Object.entries(payloadTypes))
    if (type === payloadType) return signers[kind as EvidenceKind];
  throw new EnvelopeInvalid(`Nobody may sign ${String(payloadType)}: AAS does not know it`);
}

function parseJson(text: string, digest: Digest): unknown {
  try {
    return JSON.parse(text);
  } catch (error) {
    throw new EnvelopeInvalid(`Artifact ${digest} is not an envelope: it is not JSON`, { cause: error });
  }
}
