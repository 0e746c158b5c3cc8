/** The kinds of signed evidence, typed: what a kind must look like is one row of one table. */
import type { z } from 'zod';
import type { CheckReport, InspectionReport, PromotionReceipt } from '../temporal/contract/evidence.ts';
import {
  checkReportSchema,
  decisionSchema,
  inspectionReportSchema,
  payloadTypes,
  promotionReceiptSchema,
} from '../temporal/contract/evidence.ts';
import type { JobSpec } from '../temporal/contract/job.ts';
import { jobSpecSchema } from '../temporal/contract/job.ts';
import type { Decision, Digest } from '../temporal/contract/messages.ts';
import type { ArtifactStore } from './artifact-store.ts';
import type { EvidenceKind } from './envelope.ts';
import { getSigned, open, putSigned } from './envelope.ts';
import type { PublicKeys, Signer } from './keys.ts';

export interface Payloads {
  job: JobSpec;
  inspection: InspectionReport;
  report: CheckReport;
  decision: Decision;
  receipt: PromotionReceipt;
}

const schemas: { readonly [Kind in EvidenceKind]: z.ZodType<Payloads[Kind]> } = {
  job: jobSpecSchema,
  inspection: inspectionReportSchema,
  report: checkReportSchema,
  decision: decisionSchema,
  receipt: promotionReceiptSchema,
};

/** Signs evidence of a kind and keeps it; resolves with the envelope's digest. */
export const putEvidence = <Kind extends EvidenceKind>(
  artifacts: ArtifactStore,
  kind: Kind,
  payload: Payloads[Kind],
  signer: Signer,
): Promise<Digest> => putSigned(artifacts, payload, payloadTypes[kind], signer);

/** Fetches evidence of a kind by its envelope's digest, verified and parsed. Rejects as `getSigned` does. */
export const getEvidence = <Kind extends EvidenceKind>(
  artifacts: ArtifactStore,
  kind: Kind,
  digest: Digest,
  publicKeys: PublicKeys,
): Promise<Payloads[Kind]> => getSigned(artifacts, digest, kind, schemas[kind], publicKeys);

/** Opens an envelope at hand, such as the one of a decision that came with a message. Throws `EnvelopeInvalid`. */
export const openEvidence = <Kind extends EvidenceKind>(
  kind: Kind,
  envelope: unknown,
  publicKeys: PublicKeys,
): Payloads[Kind] => open(envelope, payloadTypes[kind], schemas[kind], publicKeys);
