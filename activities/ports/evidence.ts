/** Signed judgements as a process sees them: what it may sign with its own key, and everybody's to verify. */
import type { ArtifactStore } from '../../artifacts/artifact-store.ts';
import { EnvelopeInvalid, putEnvelope } from '../../artifacts/envelope.ts';
import type { EvidenceKind } from '../../artifacts/envelope.ts';
import { ArtifactDamaged, ArtifactMissing } from '../../artifacts/errors.ts';
import { getEvidence, openEvidence, putEvidence } from '../../artifacts/evidence.ts';
import type { Payloads } from '../../artifacts/evidence.ts';
import type { PublicKeys, Signer } from '../../artifacts/keys.ts';
import type { Digest, Envelope } from '../../temporal/contract/messages.ts';

export interface Evidence {
  /** Signs and keeps; resolves with the envelope's digest. Throws when this process has no key for the kind. */
  sign<Kind extends EvidenceKind>(kind: Kind, payload: Payloads[Kind]): Promise<Digest>;
  /** Fetched, verified, parsed. Rejects on anything less. */
  open<Kind extends EvidenceKind>(kind: Kind, digest: Digest): Promise<Payloads[Kind]>;
  /** Verifies an envelope at hand and keeps it. */
  keep<Kind extends EvidenceKind>(kind: Kind, envelope: Envelope): Promise<{ payload: Payloads[Kind]; digest: Digest }>;
}

/** Whether evidence is wanting for good: anything else (a full disk, a file that cannot be read) may pass. */
export const provesNothing = (error: unknown): error is Error =>
  error instanceof EnvelopeInvalid || error instanceof ArtifactMissing || error instanceof ArtifactDamaged;

/** `signer` is null for hands, which only read what others signed. */
export function createEvidence(artifacts: ArtifactStore, keys: PublicKeys, signer: Signer | null): Evidence {
  return {
    sign: async (kind, payload) => {
      if (signer === null) throw new Error(`This process holds no key: it cannot sign ${kind} evidence`);
      return putEvidence(artifacts, kind, payload, signer);
    },
    open: (kind, digest) => getEvidence(artifacts, kind, digest, keys),
    keep: async (kind, envelope) => ({
      payload: openEvidence(kind, envelope, keys),
      digest: await putEnvelope(artifacts, envelope),
    }),
  };
}
