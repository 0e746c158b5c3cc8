/** What the API answers about a session, for /openapi.json. The types are the contract's; these describe them. */
import { z } from 'zod';
import {
  argvSchema,
  artifactRefSchema,
  digestSchema,
  oidSchema,
  timestampSchema,
} from '../../temporal/contract/primitives.ts';
import { decisionKindSchema, runVerdictSchema } from '../../temporal/contract/evidence.ts';
import { promotionModeSchema } from '../../temporal/contract/policy.ts';
import type { SessionView } from '../operations/view.ts';

export const statusSchema = z.enum(['queued', 'running', 'waiting', 'finished', 'refused', 'failed', 'cancelled']);
const gateKindSchema = z.enum(['plan', 'egress', 'approval', 'fallback', 'budget', 'base']);
const steps = ['admitting', 'planning', 'executing', 'inspecting', 'validating', 'promoting'] as const;
const detailSchema = z.enum([...steps, ...gateKindSchema.options]);

const gateSchema = z
  .object({
    id: z.string().meta({ example: 'approval-1' }),
    kind: gateKindSchema,
    opensAt: timestampSchema,
    deadline: timestampSchema.meta({ description: 'Silence until then is a refusal.' }),
    subject: digestSchema.nullable().meta({ description: 'What a decision is about; an approval must name it.' }),
    offers: z.array(decisionKindSchema),
    reason: z.string(),
  })
  .meta({ id: 'Gate' });

const changedFileSchema = z.object({
  path: z.string(),
  status: z.enum(['added', 'modified', 'deleted', 'type_changed']),
  oldMode: z.string(),
  newMode: z.string(),
  oldOid: oidSchema,
  newOid: oidSchema,
  bytes: z.int(),
  binary: z.boolean(),
});

const findingSchema = z
  .object({
    severity: z.enum(['deny', 'review', 'info']),
    rule: z.string().meta({ example: 'paths.protected' }),
    message: z.string(),
    path: z.string().optional(),
  })
  .meta({ id: 'Finding' });

const checkResultSchema = z.object({
  name: z.string(),
  argv: argvSchema,
  image: z.string(),
  verdict: runVerdictSchema,
  exitCode: z.int().nullable(),
  durationMs: z.int(),
  logDigest: digestSchema.nullable(),
});

const roundSchema = z.object({
  number: z.int(),
  hand: z.string(),
  note: z.string().nullable(),
  hostId: z.string().nullable(),
  placement: z.int(),
  verdict: runVerdictSchema.nullable(),
  exitCode: z.int().nullable(),
  output: artifactRefSchema.nullable(),
  patch: artifactRefSchema
    .nullable()
    .meta({ description: 'What was changed, unjudged: a plain diff against the base.' }),
});

const planSchema = z.object({
  planner: z.string(),
  steps: z.array(z.string()),
  hand: z.string(),
  paths: z.array(z.string()).nullable(),
  checks: z.array(z.string()),
});

export const sessionSchema = z
  .object({
    id: z.string().meta({ example: 's-01kb9m2x7q4w8zr5' }),
    status: statusSchema,
    detail: detailSchema.nullable(),
    outcome: z.enum(['promoted', 'answered', 'no_change', 'policy_denied', 'rejected', 'expired']).nullable(),
    reason: z.string().nullable(),
    goal: z.string(),
    requester: z.string(),
    repository: z.string(),
    baseRef: z.string(),
    baseCommit: oidSchema.nullable(),
    createdAt: timestampSchema,
    endedAt: timestampSchema.nullable(),
    job: digestSchema.nullable().meta({ description: 'The signed JobSpec.' }),
    round: roundSchema.nullable(),
    plan: planSchema.nullable(),
    gate: gateSchema.nullable(),
    candidate: z.object({ digest: digestSchema, bytes: z.int(), files: z.array(changedFileSchema) }).nullable(),
    findings: z.array(findingSchema),
    validation: z
      .object({
        verdict: z.enum(['pass', 'fail']),
        baseCommit: oidSchema,
        checks: z.array(checkResultSchema),
        report: digestSchema,
      })
      .nullable(),
    promotion: z
      .object({
        mode: promotionModeSchema,
        ref: z.string(),
        digest: digestSchema,
        commit: oidSchema.nullable(),
        baseCommit: oidSchema,
        receipt: digestSchema.meta({ description: 'What the promoter signed.' }),
      })
      .nullable(),
    policy: z.object({ bundleDigest: digestSchema.nullable(), profile: z.enum(['personal', 'team']) }),
    links: z.object({ ui: z.string(), api: z.string(), patch: z.string(), docs: z.string() }),
  })
  .meta({
    id: 'Session',
    description: 'Every key is always there, null when not known.',
  }) satisfies z.ZodType<SessionView>;
