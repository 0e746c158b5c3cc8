/**
 * Policy layers and the bundle they merge into.
 *
 * A layer may leave anything out ("no opinion"); the shipped org layer sets every field, so that in a bundle absence
 * never means unlimited. Strict everywhere: an unknown key is an error, and a layer that does not parse denies.
 */
import { z } from 'zod';
import { argvSchema, digestSchema, globSchema, imageSchema, nameSchema } from './primitives.ts';

const ms = z
  .int()
  .min(1)
  .max(30 * 24 * 3600 * 1000);
const bytes = z.int().min(1);

/** Limits merge by minimum. Units are in the names: milliseconds, bytes, counts; `cpus` is a number of cores. */
export const limitsSchema = z.strictObject({
  maxRounds: z.int().min(1).max(20),
  runMs: ms,
  checkMs: ms,
  memoryBytes: bytes.min(16 * 1024 * 1024),
  cpus: z.number().positive().max(256),
  pids: z.int().min(8).max(32_768),
  /** Output of one command; it is killed above it. */
  outputBytes: bytes,
  /** Size and number of inodes of the worktree's file system. */
  worktreeBytes: bytes.min(8 * 1024 * 1024),
  worktreeInodes: z.int().min(256),
  maxFiles: z.int().min(1),
  maxFileBytes: bytes,
  maxPatchBytes: bytes,
});
export type Limits = z.infer<typeof limitsSchema>;

export const checkSchema = z.strictObject({
  id: nameSchema,
  argv: argvSchema,
  /** null: the job's sandbox image. */
  image: imageSchema.nullable().default(null),
  /** Files that define the check: a change to one of them is flagged. */
  files: z.array(globSchema).max(50).default([]),
});
export type Check = z.infer<typeof checkSchema>;

export const promotionModeSchema = z.enum(['patch', 'branch']);
export const layerNameSchema = z.enum(['org', 'repository', 'session']);

const deadlinesSchema = z.strictObject({ planMs: ms, approvalMs: ms, fallbackMs: ms });

export const policyLayerSchema = z.strictObject({
  apiVersion: z.literal('aas.dev/v1'),
  kind: z.literal('Policy'),
  metadata: z.strictObject({
    name: nameSchema,
    layer: layerNameSchema,
    revision: z.int().min(0),
  }),
  limits: limitsSchema.partial().default({}),
  paths: z
    .strictObject({
      /** Each layer that says `allow` is one clause: a path must match every clause. */
      allow: z.array(globSchema).max(500).optional(),
      deny: z.array(globSchema).max(500).default([]),
      /** Denied unless the org layer opens them for this repository. */
      protected: z.array(globSchema).max(500).default([]),
      /** Org layer only: which repositories (exact canonical locations or `*`-globs) may change which protected paths. */
      open: z
        .array(z.strictObject({ repository: z.string().min(1).max(1024), paths: z.array(globSchema).min(1).max(100) }))
        .max(500)
        .default([]),
    })
    .prefault({}),
  /** Exact names; layers intersect, `[]` allows none, absent has no opinion. */
  agents: z.strictObject({ allow: z.array(nameSchema).max(100).optional() }).prefault({}),
  images: z.strictObject({ allow: z.array(imageSchema).max(100).optional() }).prefault({}),
  promotion: z.strictObject({ modes: z.array(promotionModeSchema).max(2).optional() }).prefault({}),
  checks: z.strictObject({ required: z.array(checkSchema).max(50).default([]) }).prefault({}),
  gates: z
    .strictObject({
      plan: z.boolean().default(false),
      approvals: z.int().min(0).max(10).default(0),
    })
    .prefault({}),
  deadlines: deadlinesSchema.partial().default({}),
});
export type PolicyLayer = z.infer<typeof policyLayerSchema>;
export type PolicyLayerName = z.infer<typeof layerNameSchema>;

/** What the layers merged into: complete, and pinned by its digest (SHA-256 of its RFC 8785 bytes). */
export const policyBundleSchema = z.strictObject({
  apiVersion: z.literal('aas.dev/v1'),
  kind: z.literal('PolicyBundle'),
  layers: z.array(
    z.strictObject({ name: z.string(), layer: layerNameSchema, revision: z.int(), digest: digestSchema }),
  ),
  limits: limitsSchema,
  paths: z.strictObject({
    /** Each inner list is one layer's clause. */
    allow: z.array(z.array(globSchema)),
    deny: z.array(globSchema),
    protected: z.array(globSchema),
    open: z.array(z.strictObject({ repository: z.string(), paths: z.array(globSchema) })),
  }),
  agents: z.array(nameSchema),
  images: z.array(imageSchema),
  modes: z.array(promotionModeSchema),
  /** Required checks with the layer that asked for each. */
  checks: z.array(checkSchema.extend({ layer: layerNameSchema })),
  gates: z.strictObject({ plan: z.boolean(), approvals: z.int() }),
  deadlines: deadlinesSchema,
});
export type PolicyBundle = z.infer<typeof policyBundleSchema>;
