/** Where promotions go: a patch file that `git am` takes, or a branch of the target. */
import type { Base, Digest, Oid, PromotionView, Target } from '../../temporal/contract/messages.ts';
import { failures } from '../../temporal/contract/messages.ts';
import { refusal } from '../failures.ts';
import type { TrustedRepository } from './git/port.ts';
import { openTarget } from './git/target.ts';
import type { PatchOutbox } from './patch-outbox.ts';

export interface Promotion {
  readonly target: Target;
  readonly base: Base;
  readonly sessionId: string;
  readonly candidate: Buffer;
  readonly digest: Digest;
  /** base + candidate, rebuilt by the promoter. */
  readonly repository: TrustedRepository;
  readonly tree: Oid;
}

/** What was written, before the promoter has signed for it. */
export type Written = Omit<PromotionView, 'receipt'>;

export interface PromotionWriter {
  /** The commit the target's branch is at now; null when it has none, or none is left. Rejects when it is not the job's. */
  head(target: Target): Promise<Oid | null>;
  /** What this promotion wrote earlier, or null. Rejects `Evidence.Invalid` when something else stands in its place. */
  find(promotion: Promotion): Promise<Written | null>;
  /** Writes, exclusively: of two writers of one session the second finds what the first wrote. */
  write(promotion: Promotion): Promise<Written>;
}

export function createPromotionWriter(outbox: PatchOutbox): PromotionWriter {
  return {
    head: async (target) => {
      if (target.ref === null) return null;
      const repository = await open(target);
      return repository.head(target.ref);
    },

    find: async (promotion) => {
      const { target, sessionId, candidate } = promotion;
      if (target.mode === 'patch')
        return (await outbox.has(sessionId, candidate)) ? view(promotion, null, outbox) : null;
      const repository = await open(target);
      if ((await repository.head(branchOf(sessionId))) === null) return null;
      // Writing what is already there answers with it, and refuses when the branch holds anything else.
      return view(promotion, await repository.writeBranch({ ...promotion, branch: branchOf(sessionId) }), outbox);
    },

    write: async (promotion) => {
      const { target, sessionId, candidate } = promotion;
      if (target.mode === 'patch') {
        await outbox.put(sessionId, candidate);
        return view(promotion, null, outbox);
      }
      const repository = await open(target);
      return view(promotion, await repository.writeBranch({ ...promotion, branch: branchOf(sessionId) }), outbox);
    },
  };
}

const branchOf = (sessionId: string): string => `refs/heads/aas/${sessionId}`;

/** The same path may lead elsewhere by now: a target is what its key says, not what it is called. */
async function open(target: Target) {
  const repository = await openTarget(target.repository);
  if (!target.key.startsWith(`${repository.key}#`)) {
    const message = `${target.repository} is now another repository (${repository.key}) than the one admitted (${target.key})`;
    throw refusal(failures.evidenceInvalid, message);
  }
  return repository;
}

function view({ target, digest, base, sessionId }: Promotion, commit: Oid | null, outbox: PatchOutbox): Written {
  const ref = target.mode === 'patch' ? outbox.name(sessionId) : branchOf(sessionId);
  return { mode: target.mode, ref, digest, commit, baseCommit: base.commit };
}
