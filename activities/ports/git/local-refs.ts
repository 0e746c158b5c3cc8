/** Refs of a repository on this machine, read through its facade. */
import type { Oid } from '../../../temporal/contract/messages.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';
import { git } from './git.ts';
import { GitError } from './git-error.ts';
import type { LocalRepository } from './local-repository.ts';
import { looksLikeCommit, refCandidates, unknownRef } from './refs.ts';

/** A ref may be a FIFO; git would wait for somebody to write it. */
const timeoutMs = 10_000;
const maxOutputBytes = 16 * 1024 * 1024;
const format = '--format=%(refname) %(objecttype) %(objectname) %(tree)';

export interface Tip {
  /** Null when a commit was named that nothing can move. */
  readonly ref: string | null;
  readonly commit: Oid;
  readonly tree: Oid;
}

/** Resolves HEAD, a branch, a tag or a commit. Rejects `Source.Unusable` when there is none, `Input.Bad` when it is no ref. */
export async function resolveLocalRef(repository: LocalRepository, gitDir: string, ref: string): Promise<Tip> {
  const isHead = ref === 'HEAD';
  const asked = isHead ? repository.head.replace(/^ref: /, '') : ref;
  const detached = isHead && !repository.head.startsWith('ref: ');
  const tips = detached ? [] : await readTips(gitDir, isHead ? [asked] : refCandidates(ref));
  const found = tips[0] ?? (looksLikeCommit(asked) ? await readCommit(gitDir, asked) : null);
  if (found) return found;

  const names = await readNames(gitDir);
  if (names.length === 0) {
    throw refusal(
      failures.sourceUnusable,
      `${repository.location} is empty: it has no commit yet. Make one, then ask again`,
    );
  }
  throw unknownRef(isHead ? `HEAD (${asked})` : ref, repository.location, names);
}

/** The commit a full ref name is at, or null. */
export async function readHead(gitDir: string, ref: string): Promise<Oid | null> {
  const [tip] = await readTips(gitDir, [ref]);
  return tip?.commit ?? null;
}

/** Those of `names` that exist and lead to a commit, in the order asked. */
async function readTips(gitDir: string, names: readonly string[]): Promise<Tip[]> {
  // A pattern also matches what lies below it, as a folder: only exact names count.
  const output = await git(['for-each-ref', format, '--', ...names], { gitDir, timeoutMs, maxOutputBytes });
  const tips = new Map<string, Tip>();
  for (const line of output.toString().split('\n')) {
    const [ref = '', type, oid = '', tree = ''] = line.split(' ');
    if (type === 'commit') tips.set(ref, { ref, commit: oid, tree });
    // It may name another tag, which names the commit, or something that is none.
    const tagged = type === 'tag' ? await readCommit(gitDir, oid) : null;
    if (tagged) tips.set(ref, { ...tagged, ref });
  }
  return names.flatMap((name) => tips.get(name) ?? []);
}

async function readCommit(gitDir: string, name: string): Promise<Tip | null> {
  try {
    const output = await git(['rev-parse', '--end-of-options', `${name}^{commit}`, `${name}^{tree}`], {
      gitDir,
      timeoutMs,
    });
    // The option itself is echoed by some versions.
    const [tree = '', commit = ''] = output.toString().trim().split('\n').reverse();
    return { ref: null, commit, tree };
  } catch (error) {
    if (error instanceof GitError && error.reason === 'exit') return null;
    throw error;
  }
}

async function readNames(gitDir: string): Promise<string[]> {
  const output = await git(['for-each-ref', '--format=%(refname)', '--count=5000'], {
    gitDir,
    timeoutMs,
    maxOutputBytes,
  });
  return output.toString().split('\n').filter(Boolean);
}
