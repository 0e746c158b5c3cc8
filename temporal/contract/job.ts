/** What a requester asks for, and the immutable, signed specification that admission makes of it. */
import { z } from 'zod';
import {
  argvSchema,
  artifactRefSchema,
  digestSchema,
  globSchema,
  imageSchema,
  nameSchema,
  oidSchema,
  timestampSchema,
} from './primitives.ts';
import { checkSchema, limitsSchema, policyBundleSchema, policyLayerSchema, promotionModeSchema } from './policy.ts';

/** Upper bounds of what a door takes; a whole request is at most 256 KiB. */
const maxGoalCharacters = 32_768;
export const maxRequestBytes = 256 * 1024;

const agentRequestSchema = z.strictObject({
  name: nameSchema.default('command'),
  /** `command` runs exactly this in the sandbox. */
  argv: argvSchema,
  image: imageSchema.nullable().default(null),
});

/** The body of `POST /api/v1/sessions`, and a job file. */
export const jobRequestSchema = z
  .strictObject({
    apiVersion: z.literal('aas.dev/v1').default('aas.dev/v1'),
    kind: z.literal('Job').default('Job'),
    /** An absolute path, a `file://` URL or a forge URL. */
    repository: z.string().min(1).max(2048),
    /** A branch, tag or commit. */
    base: z.string().min(1).max(255).default('HEAD'),
    goal: z.string().trim().min(1, 'say what the session is for').max(maxGoalCharacters),
    agent: agentRequestSchema,
    checks: z.array(checkSchema).max(50).default([]),
    /** Paths the job expects to change: the fixed planner's plan. */
    paths: z.array(globSchema).max(200).nullable().default(null),
    promotion: z.strictObject({ mode: promotionModeSchema.default('patch') }).prefault({}),
    /** The session's own policy layer: it can only take away. */
    policy: policyLayerSchema.nullable().default(null),
  })
  .meta({ id: 'JobRequest' });
export type JobRequest = z.infer<typeof jobRequestSchema>;

/**
 * The job as admitted. Everything later refers to it by the digest of its signed envelope; nothing in it is looked up
 * again.
 */
export const jobSpecSchema = z
  .strictObject({
    type: z.literal('aas.dev/job/v1'),
    session: z.string(),
    requester: z.string(),
    profile: z.enum(['personal', 'team']),
    createdAt: timestampSchema,
    goal: z.string(),
    source: z.strictObject({
      repositoryKey: z.string(),
      repository: z.string(),
      ref: z.string().nullable(),
      commit: oidSchema,
      tree: oidSchema,
      bundle: artifactRefSchema,
    }),
    target: z.strictObject({
      key: z.string(),
      repository: z.string(),
      ref: z.string().nullable(),
      mode: promotionModeSchema,
    }),
    agent: z.strictObject({ name: nameSchema, argv: argvSchema, image: imageSchema }),
    checks: z.array(
      checkSchema.extend({ image: imageSchema, origin: z.enum(['org', 'repository', 'session', 'job']) }),
    ),
    paths: z.array(globSchema).nullable(),
    limits: limitsSchema,
    policy: z.strictObject({ digest: digestSchema, bundle: policyBundleSchema }),
  })
  .meta({ id: 'JobSpec' });
export type JobSpec = z.infer<typeof jobSpecSchema>;
