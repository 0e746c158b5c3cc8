/** The bare workflow's steps, through the sandbox and the git port that AAS itself uses. */
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { connectEngine } from '../../../activities/ports/engine/discover.ts';
import { createBaseRepositories } from '../../../activities/ports/git/base-repositories.ts';
import { deriveChange } from '../../../activities/ports/git/derive.ts';
import { createSource } from '../../../activities/ports/git/source.ts';
import { createSandbox } from '../../../activities/ports/sandbox/sandbox.ts';
import type { SandboxTask } from '../../../activities/ports/sandbox/task.ts';
import { openArtifactDirectory } from '../../../artifacts/directory-artifact-store.ts';
import { openLogDirectory } from '../../../artifacts/directory-log-store.ts';
import type { Base, Digest } from '../../../temporal/contract/messages.ts';
import type { Limits } from '../../../temporal/contract/policy.ts';
import { digestSchema } from '../../../temporal/contract/primitives.ts';

export interface BareRequest {
  readonly name: string;
  readonly repository: string;
  readonly argv: readonly string[];
  readonly check: readonly string[];
}

export interface BareChange {
  readonly base: Base;
  readonly patch: Digest;
}

export interface BareActivities {
  run(request: BareRequest): Promise<BareChange>;
  /** Resolves with the exit code. */
  check(request: BareRequest & BareChange): Promise<number>;
  apply(request: BareRequest & BareChange): Promise<void>;
}

const deriveLimits = {
  maxEntries: 1000,
  maxDepth: 64,
  maxPathBytes: 1024,
  maxFileBytes: 1 << 24,
  maxTotalBytes: 1 << 24,
  maxChanges: 100,
};

export async function createBareActivities(home: string, engineHost: string, limits: Limits): Promise<BareActivities> {
  const artifacts = openArtifactDirectory(join(home, 'artifacts'));
  const source = createSource({ directory: join(home, 'source'), artifacts });
  const repositories = createBaseRepositories(join(home, 'repositories'), artifacts);
  const sandbox = createSandbox({
    engine: await connectEngine({ host: engineHost }),
    directory: join(home, 'host'),
    artifacts,
    logs: openLogDirectory(join(home, 'logs')),
    hostId: 'bare',
    instance: home,
    leaseMs: 120_000,
    slots: 10,
  });
  const signal = new AbortController().signal;
  const common = { stream: 'round-1', image: 'aas-sandbox:1', environment: {}, limits, timeoutMs: 60_000 };

  return {
    run: async ({ name, repository, argv }) => {
      const base = await source.resolveBase({ repository, ref: 'main' });
      const trusted = await repositories.open(base);
      const task: SandboxTask<Digest> = {
        ...common,
        name: `${name}-run`,
        session: name,
        argv,
        fill: ({ directory, uid, gid }) => trusted.checkout(directory, { diff: null, uid, gid }),
        collect: async ({ directory }) => {
          const { diff } = await deriveChange(directory, trusted, deriveLimits);
          return (await artifacts.put(diff ?? Buffer.alloc(0), 'text/x-diff')).digest;
        },
        collected: digestSchema,
      };
      const { collected } = await sandbox.run(task, { signal });
      if (collected === null) throw new Error(`${name} changed nothing`);
      return { base, patch: collected };
    },

    check: async ({ name, check, base, patch }) => {
      const [trusted, diff] = await Promise.all([repositories.open(base), artifacts.get(patch)]);
      const task: SandboxTask<null> = {
        ...common,
        name: `${name}-check`,
        session: name,
        argv: check,
        fill: ({ directory, uid, gid }) => trusted.checkout(directory, { diff, uid, gid }),
        collect: () => Promise.resolve(null),
        collected: z.null(),
      };
      return (await sandbox.run(task, { signal })).exitCode ?? -1;
    },

    apply: async ({ name, base, patch }) => {
      const [trusted, diff] = await Promise.all([repositories.open(base), artifacts.get(patch)]);
      await trusted.applyDiff(diff);
      await writeFile(join(home, `${name}.patch`), diff);
    },
  };
}
