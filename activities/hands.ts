/** The hands: a round runs in a sandbox of this host, and what it changed is derived from its worktree. */
import { z } from 'zod';
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import type { JobSpec } from '../temporal/contract/job.ts';
import { boundedFindings, failures, queues } from '../temporal/contract/messages.ts';
import type {
  ArtifactRef,
  Digest,
  HandsActivities,
  HostActivities,
  RunRequest,
} from '../temporal/contract/messages.ts';
import type { Limits } from '../temporal/contract/policy.ts';
import { artifactRefSchema } from '../temporal/contract/primitives.ts';
import { attendedStep } from './attended-step.ts';
import { notNow } from './failures.ts';
import { assertJobOf } from './own-job.ts';
import type { BaseRepositories, DeriveLimits, DerivedChange, TrustedRepository } from './ports/git/port.ts';
import { maxPathBytes } from './ports/git/tree-rules.ts';
import { roundNames } from './ports/sandbox/names.ts';
import type { Rooms } from './ports/sandbox/rooms.ts';
import type { Sandbox } from './ports/sandbox/sandbox.ts';
import type { SandboxTask } from './ports/sandbox/task.ts';

export interface HandsPorts {
  readonly sandbox: Sandbox;
  readonly rooms: Rooms;
  readonly repositories: BaseRepositories;
  readonly artifacts: ArtifactStore;
  readonly hostId: string;
  readonly deriveChange: (
    directory: string,
    repository: TrustedRepository,
    limits: DeriveLimits,
  ) => Promise<DerivedChange>;
  /** The job of a signed JobSpec. Rejects unless control signed it. */
  readonly verifyJob: (digest: Digest) => Promise<JobSpec>;
  readonly heartbeatMs: number;
}

const changeSchema = z.object({
  patch: artifactRefSchema.nullable(),
  findings: z.array(
    z.object({
      severity: z.enum(['deny', 'review', 'info']),
      rule: z.string(),
      message: z.string(),
      path: z.string().optional(),
    }),
  ),
});
type Change = z.infer<typeof changeSchema>;

export function createHandsActivities(ports: HandsPorts): HandsActivities & HostActivities {
  const { sandbox, rooms, hostId, heartbeatMs } = ports;
  return {
    // A full host sends the claim back, for another one, or for itself when a round has ended: a round that waited in the
    // host's own queue could not be told from one whose host is lost.
    claim: (request) => {
      if (rooms.hold(roomOf(request))) return Promise.resolve({ hostId, queue: queues.host(hostId) });
      return Promise.reject(notNow(failures.sandboxBusy, `Every slot of ${hostId} is taken (AAS_SLOTS)`));
    },

    runRound: (request) =>
      attendedStep(heartbeatMs, ({ signal, report }) =>
        rooms.stay(roomOf(request), async () => {
          const job = await ports.verifyJob(request.job);
          assertJobOf(request.sessionId, job);
          const outcome = await sandbox.run(roundTask(ports, request, job), { signal, onProgress: report });
          const { verdict, exitCode, durationMs, output, chunks, collected } = outcome;
          return { verdict, exitCode, durationMs, output, chunks, ...(collected ?? { patch: null, findings: [] }) };
        }),
      ),
  };
}

const roomOf = ({ sessionId, round }: Pick<RunRequest, 'sessionId' | 'round'>): string => `${sessionId}/${round}`;

function roundTask(ports: HandsPorts, request: RunRequest, job: JobSpec): SandboxTask<Change> {
  const { artifacts, repositories, deriveChange } = ports;
  // Both begin now, beside the making of container and worktree; who needs them hears of their failure.
  const repository = quietly(repositories.open(request.base));
  const startDiff = quietly(
    request.startPatch === null ? Promise.resolve(null) : artifacts.get(request.startPatch.digest),
  );
  return {
    ...roundNames(request),
    session: request.sessionId,
    image: job.agent.image,
    argv: job.agent.argv,
    environment: { AAS_GOAL: text(job.goal), AAS_NOTE: text(request.note ?? '') },
    limits: job.limits,
    timeoutMs: job.limits.runMs,
    fill: async ({ directory, uid, gid }) => {
      await (await repository).checkout(directory, { diff: await startDiff, uid, gid });
    },
    collect: async ({ directory }) => {
      const { diff, findings } = await deriveChange(directory, await repository, deriveLimits(job.limits));
      const patch: ArtifactRef | null = diff === null ? null : await artifacts.put(diff, 'text/x-diff');
      return { patch, findings: [...boundedFindings(findings)] };
    },
    collected: changeSchema,
  };
}

function quietly<T>(promise: Promise<T>): Promise<T> {
  promise.catch(() => {});
  return promise;
}

/** Longest text that one environment variable carries (Linux takes 128 KiB, the name included). */
const maxTextBytes = 96 * 1024;

/** The requester's words as a value of the environment, which cannot hold a NUL. */
const text = (words: string): string =>
  new TextDecoder().decode(Buffer.from(words.replaceAll('\0', '')).subarray(0, maxTextBytes));

/** What a walk of the worktree may cost. What a patch may hold is policy, and control's to judge. */
const deriveLimits = (limits: Limits): DeriveLimits => ({
  maxEntries: Math.max(50_000, limits.worktreeInodes),
  maxDepth: 64,
  maxPathBytes,
  maxFileBytes: Math.max(limits.maxFileBytes, 16 * 1024 * 1024),
  maxTotalBytes: limits.worktreeBytes,
  maxChanges: Math.max(2000, limits.maxFiles),
});
