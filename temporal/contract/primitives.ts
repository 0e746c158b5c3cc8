/** Schemas of the words everything else is made of. Types of the same name live in messages.ts where workflows need them. */
import { z } from 'zod';
import type { ArtifactRef, Digest } from './messages.ts';

export const digestSchema = z
  .string()
  .regex(/^sha256:[0-9a-f]{64}$/, 'expected sha256:<64 hex digits>') as unknown as z.ZodType<Digest>;
export const oidSchema = z.string().regex(/^[0-9a-f]{40}$/, 'expected a full 40-digit git object id');
export const timestampSchema = z.iso.datetime({ offset: false });
export const artifactRefSchema: z.ZodType<ArtifactRef> = z.strictObject({
  digest: digestSchema,
  bytes: z.int().min(0),
  mediaType: z.string().max(100),
});

/** Names that end in paths, task queues and container names: short, lower case, no dots at the ends. */
export const nameSchema = z
  .string()
  .regex(/^[a-z0-9](?:[a-z0-9-]{0,62}[a-z0-9])?$/, 'expected lower-case letters, digits and inner hyphens, at most 64');

/** An argument vector. Never a shell string: whoever wants a shell says `['sh', '-c', '...']`. */
export const argvSchema = z
  .array(
    z
      .string()
      .max(32_768)
      .refine((s) => !s.includes('\0'), 'an argument cannot hold a NUL'),
  )
  .min(1)
  .max(256);

export const imageSchema = z.string().regex(/^[a-zA-Z0-9][a-zA-Z0-9._/:@-]{0,254}$/, 'expected an image reference');

/** A glob over repository paths, POSIX separators; see policies/paths.ts for how it matches. */
export const globSchema = z
  .string()
  .min(1)
  .max(512)
  .refine((g) => !/[\0\\]/.test(g), 'a glob cannot hold a backslash or a NUL')
  .refine((g) => !g.startsWith('/') && !g.startsWith('!'), 'a glob is relative to the repository and never negated')
  .refine((g) => !g.split('/').includes('..'), 'a glob cannot climb with ..');
