/** The judgements that are signed by who made them, each a DSSE envelope over RFC 8785 bytes. */
import { z } from 'zod';
import type { Decision, Envelope, SignedDecision } from './messages.ts';
import {
  argvSchema,
  artifactRefSchema,
  digestSchema,
  imageSchema,
  nameSchema,
  oidSchema,
  timestampSchema,
} from './primitives.ts';

export const envelopeSchema: z.ZodType<Envelope> = z.strictObject({
  payloadType: z.string().max(200),
  payload: z.base64(),
  signatures: z
    .array(z.strictObject({ keyid: z.string().max(200), sig: z.base64() }))
    .min(1)
    .max(4),
});

/** `application/vnd.aas.<kind>.v1+json` */
export const payloadTypes = {
  job: 'application/vnd.aas.job.v1+json',
  inspection: 'application/vnd.aas.inspection.v1+json',
  report: 'application/vnd.aas.check-report.v1+json',
  decision: 'application/vnd.aas.decision.v1+json',
  receipt: 'application/vnd.aas.promotion-receipt.v1+json',
} as const;

/** Who may sign what: a key speaks for one role, and a role for these payload types only. */
export const signers = {
  job: 'control',
  inspection: 'control',
  report: 'validator',
  decision: 'api',
  receipt: 'promoter',
} as const;
export type Role = 'control' | 'validator' | 'api' | 'promoter' | 'audit';

/** Control's verdict over a candidate on one base. */
export const inspectionReportSchema = z.strictObject({
  type: z.literal('aas.dev/inspection/v1'),
  session: z.string(),
  job: digestSchema,
  bundleDigest: digestSchema,
  baseCommit: oidSchema,
  candidate: digestSchema,
  tree: oidSchema,
  verdict: z.literal('pass'),
  /** Blob ids on the base of every file the candidate touches (`000…0` where it is new), sorted by path. */
  baseContent: z.array(z.strictObject({ path: z.string(), mode: z.string(), oid: oidSchema })),
});
export type InspectionReport = z.infer<typeof inspectionReportSchema>;

export const runVerdictSchema = z.enum([
  'exited',
  'timeout',
  'oom',
  'output_limit',
  'cancelled',
  'killed',
  'start_failed',
]);

/** The validator's report: what ran on clean base + candidate, and how it ended. */
export const checkReportSchema = z.strictObject({
  type: z.literal('aas.dev/check-report/v1'),
  session: z.string(),
  job: digestSchema,
  candidate: digestSchema,
  baseCommit: oidSchema,
  /** The tree the validator rebuilt by itself. */
  tree: oidSchema,
  verdict: z.enum(['pass', 'fail']),
  checks: z.array(
    z.strictObject({
      id: nameSchema,
      argv: argvSchema,
      image: imageSchema,
      verdict: runVerdictSchema,
      exitCode: z.int().nullable(),
      durationMs: z.int(),
      log: artifactRefSchema.nullable(),
    }),
  ),
  validator: z.strictObject({ hostId: z.string(), engine: z.string() }),
  finishedAt: timestampSchema,
});
export type CheckReport = z.infer<typeof checkReportSchema>;

/** What the promoter wrote, and on what evidence. No times: a promoter that is asked again signs the same receipt. */
export const promotionReceiptSchema = z.strictObject({
  type: z.literal('aas.dev/promotion-receipt/v1'),
  session: z.string(),
  profile: z.enum(['personal', 'team']),
  job: digestSchema,
  candidate: digestSchema,
  inspection: digestSchema,
  report: digestSchema,
  decisions: z.array(digestSchema),
  subject: digestSchema,
  target: z.string(),
  mode: z.enum(['patch', 'branch']),
  ref: z.string(),
  commit: oidSchema.nullable(),
  baseCommit: oidSchema,
  tree: oidSchema,
});
export type PromotionReceipt = z.infer<typeof promotionReceiptSchema>;

export const decisionKindSchema = z.enum(['approve', 'reject', 'retry', 'amend', 'answer', 'raise']);

export const decisionSchema: z.ZodType<Decision> = z.strictObject({
  type: z.literal('aas.dev/decision/v1'),
  session: z.string().max(64),
  gate: z.string().max(64),
  kind: decisionKindSchema,
  subject: digestSchema.nullable(),
  actor: z.string().min(1).max(200),
  method: z.string().min(1).max(50),
  decidedAt: timestampSchema,
  expiresAt: timestampSchema,
  nonce: z.string().min(16).max(64),
  reason: z.string().max(4000).nullable(),
  note: z.string().max(16_000).nullable(),
  fresh: z.boolean(),
  agent: nameSchema.nullable(),
  patch: artifactRefSchema.nullable(),
});
export const signedDecisionSchema: z.ZodType<SignedDecision> = z.strictObject({
  decision: decisionSchema,
  envelope: envelopeSchema,
});
