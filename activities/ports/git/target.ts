/** The promoter's hand: the one place that writes into somebody's repository, and it only adds a branch of ours. */
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { ifThere } from '../../../artifacts/errors.ts';
import type { Base, Oid } from '../../../temporal/contract/messages.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';
import { readCandidate } from './candidate.ts';
import { withFacade } from './facade.ts';
import { git } from './git.ts';
import { GitError } from './git-error.ts';
import { readHead } from './local-refs.ts';
import type { LocalRepository } from './local-repository.ts';
import { findLocalRepository, readHeadFile } from './local-repository.ts';
import { parseLocation } from './location.ts';
import type { TrustedRepository } from './port.ts';
import { readRemoteHead } from './remote-repository.ts';

export interface BranchRequest {
  readonly base: Base;
  readonly repository: TrustedRepository;
  /** base + candidate, as the promoter rebuilt it. */
  readonly tree: Oid;
  readonly candidate: Uint8Array;
  /** `refs/heads/aas/<session>` */
  readonly branch: string;
}

export interface TargetRepository {
  /** The repository's key, as in `Base.repositoryKey`. */
  readonly key: string;
  /** The commit that a full ref name is at, or null when there is no such ref. */
  head(ref: string): Promise<Oid | null>;
  /**
   * Adds the branch with one commit of ours on the base, unless it is there. Idempotent; of two writers one writes and
   * the other finds the same. Rejects `Evidence.Invalid` when the branch is anything else, `Source.Unusable` when the
   * repository cannot take it, and a plain `Error` when the base moved meanwhile. Runs no hook of the target, reads none
   * of its configuration, touches no other ref and no worktree.
   */
  writeBranch(request: BranchRequest): Promise<Oid>;
}

const zeros = '0'.repeat(40);
/** A promotion that was answered survives a power cut. */
const durable = ['core.fsync=all'];

/** Rejects `Input.Bad` or `Source.Unusable` when there is no such repository. */
export async function openTarget(location: string): Promise<TargetRepository> {
  const parsed = parseLocation(location);
  if (parsed.kind === 'file') return localTarget(await findLocalRepository(parsed.path));
  return {
    key: parsed.canonical,
    head: (ref) => readRemoteHead(parsed.url, ref),
    writeBranch: () => {
      const message = `${parsed.canonical} is no repository on this machine: a branch can be written to those only`;
      return Promise.reject(refusal(failures.badInput, message));
    },
  };
}

function localTarget(target: LocalRepository): TargetRepository {
  const { key } = target;
  const head = (ref: string) => withFacade(target, (gitDir) => readHead(gitDir, ref));
  return { key, head, writeBranch: (request) => writeBranch(target, head, request) };
}

async function writeBranch(
  target: LocalRepository,
  head: TargetRepository['head'],
  { base, repository, tree, candidate, branch }: BranchRequest,
): Promise<Oid> {
  const { message, createdAt } = readCandidate(candidate);
  if (!/^refs\/heads\/aas\/[A-Za-z0-9][A-Za-z0-9_-]{0,63}$/.test(branch)) {
    throw refusal(failures.badInput, `${branch} is not a branch of AAS`);
  }
  const seconds = Date.parse(createdAt) / 1000;
  const { oid, pack } = await repository.packCommit({ tree, message, seconds });
  const existing = await head(branch);
  if (existing !== null) return same(branch, existing, oid);
  await assertNotCheckedOut(target, branch);

  const as = ownerOf(target);
  await withFacade(
    target,
    async (gitDir) => {
      await assertHasBase(gitDir, target, base);
      // A pack and no loose objects: a folder made for those would shut the repository's owner out.
      await git(['index-pack', '--stdin', '--strict', '--fix-thin'], { gitDir, input: pack, config: durable, as });
      await update(gitDir, base, branch, oid, as);
    },
    as,
  ).catch(async (error: unknown) => {
    // Somebody else may have been first; if it was our own twin, its result is ours.
    const now = await head(branch);
    if (now !== null) return same(branch, now, oid);
    throw explain(error, target, base);
  });
  return oid;
}

function same(branch: string, found: Oid, ours: Oid): Oid {
  if (found === ours) return ours;
  const message = `${branch} is at ${found} already and not at ${ours}, which was approved. Move it away, then promote again`;
  throw refusal(failures.evidenceInvalid, message);
}

/** All or nothing: the branch does not exist, and the base's branch is still where the candidate was validated. */
async function update(
  gitDir: string,
  base: Base,
  branch: string,
  oid: Oid,
  as: { uid: number; gid: number } | undefined,
) {
  const unmoved = base.ref?.startsWith('refs/heads/') ? [`verify ${base.ref} ${base.commit}`] : [];
  const lines = [...unmoved, 'option no-deref', `update ${branch} ${oid} ${zeros}`];
  const input = Buffer.from(`${lines.join('\n')}\n`);
  await git(['update-ref', '--stdin'], { gitDir, input, config: durable, as });
}

async function assertHasBase(gitDir: string, target: LocalRepository, { commit }: Base): Promise<void> {
  const found = await git(['cat-file', '--batch-check=%(objecttype)'], { gitDir, input: Buffer.from(`${commit}\n`) });
  if (found.toString() !== 'commit\n') {
    throw refusal(failures.sourceUnusable, `${target.location} no longer has the base commit ${commit}`);
  }
}

/** A worktree may stand on a branch that does not exist yet; writing it would change what lies checked out there. */
async function assertNotCheckedOut({ commonDir, location }: LocalRepository, branch: string): Promise<void> {
  const worktrees = await readdir(join(commonDir, 'worktrees')).catch(() => []);
  for (const gitDir of [commonDir, ...worktrees.map((name) => join(commonDir, 'worktrees', name))]) {
    const head = await ifThere(readHeadFile(gitDir));
    if (head === `ref: ${branch}`) throw refusal(failures.sourceUnusable, `${branch} is checked out in ${location}`);
  }
}

/** What root writes only root may change: in somebody else's repository git runs as them. */
function ownerOf({ owner }: LocalRepository): { uid: number; gid: number } | undefined {
  return process.getuid?.() === 0 && owner.uid !== 0 ? owner : undefined;
}

function explain(error: unknown, { location }: LocalRepository, base: Base): unknown {
  if (!(error instanceof GitError) || error.reason !== 'exit') return error;
  const moved = base.ref !== null && error.stderr.includes(`'${base.ref}'`);
  if (moved) return new Error(`${base.ref ?? ''} of ${location} moved while the branch was written`, { cause: error });
  return refusal(failures.sourceUnusable, `${location} cannot take the branch: ${error.stderr}`, error);
}
