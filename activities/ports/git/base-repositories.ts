/** The trusted repositories of a process: built from bundles, kept by the bundle's digest, dropped when nobody uses them. */
import { mkdir, mkdtemp, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { ArtifactStore } from '../../../artifacts/artifact-store.ts';
import { hasCode } from '../../../artifacts/errors.ts';
import type { Base, Digest } from '../../../temporal/contract/messages.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';
import { inertAttributes } from './attributes.ts';
import { withBundlePack } from './bundle.ts';
import { git } from './git.ts';
import { GitError } from './git-error.ts';
import type { BaseRepositories, TrustedRepository } from './port.ts';
import { baseIndexName, createTrustedRepository } from './trusted-repository.ts';
import { sweep, touch } from './unused.ts';

const buildTimeoutMs = 10 * 60_000;
const unusedAfterMs = 7 * 24 * 3_600_000;
const abandonedAfterMs = 2 * 3_600_000;
/** Repositories whose listing is kept in memory. */
const maxInMemory = 16;
/** A kept repository is used for days: after a power cut it is whole or not there. */
const durable = ['core.fsync=all'];

/**
 * What old and honest repositories have, and what does no harm to one who reads them: everything else that `git fsck`
 * knows about (broken links, `.git` in a tree, `..`, duplicate or unsorted entries, hostile `.gitmodules`) refuses the base.
 */
const relaxed = [
  'badDate',
  'badDateOverflow',
  'badEmail',
  'badFilemode',
  'badName',
  'badTimezone',
  'gitmodulesParse',
  'missingEmail',
  'missingNameBeforeEmail',
  'missingSpaceBeforeDate',
  'missingSpaceBeforeEmail',
  'multipleAuthors',
  'nulInCommit',
  'zeroPaddedDate',
  'zeroPaddedFilemode',
]
  .map((message) => `${message}=ignore`)
  .join(',');

/** Repositories live under `directory`; any number of processes may share it. */
export function createBaseRepositories(directory: string, artifacts: ArtifactStore): BaseRepositories {
  const making = join(directory, 'making');
  const open = new Map<Digest, Promise<TrustedRepository>>();

  async function openOrBuild(base: Base): Promise<TrustedRepository> {
    const gitDir = join(directory, `${base.bundle.digest.slice('sha256:'.length)}.git`);
    if (!(await touch(gitDir))) {
      await mkdir(making, { recursive: true });
      await sweep(making, abandonedAfterMs);
      await sweep(directory, unusedAfterMs, '.git');
      await build(gitDir, await artifacts.getFile(base.bundle.digest), base);
    }
    const built = await readFile(join(gitDir, 'aas-base'), 'utf8');
    if (built !== baseLine(base)) throw unusable(base, `it holds ${built.trim()}`);
    return createTrustedRepository({ gitDir, commit: base.commit, tree: base.tree, layers: making });
  }

  async function build(gitDir: string, bundle: string, base: Base): Promise<void> {
    const made = await mkdtemp(join(making, 'base-'));
    try {
      await writeSkeleton(made, base);
      const pack = ['index-pack', '--stdin', `--strict=${relaxed}`];
      const indexed = await withBundlePack(bundle, base.commit, (input) =>
        git(pack, { gitDir: made, input, config: durable, timeoutMs: buildTimeoutMs }),
      );
      if (indexed === null) throw unusable(base, 'its one ref is not refs/aas/base at that commit');
      const tree = await git(['rev-parse', '--verify', `${base.commit}^{tree}`], { gitDir: made });
      if (tree.toString().trim() !== base.tree) throw unusable(base, `its tree is ${tree.toString().trim()}`);
      await git(['read-tree', base.tree], { gitDir: made, indexFile: join(made, baseIndexName), config: durable });
      await rename(made, gitDir);
    } catch (error) {
      // Another process was faster: its repository is as good as ours.
      if (hasCode(error, 'ENOTEMPTY') || hasCode(error, 'EEXIST')) return;
      if (error instanceof GitError && error.reason === 'exit') throw unusable(base, error.message, error);
      throw error;
    } finally {
      await rm(made, { recursive: true, force: true });
    }
  }

  return {
    open: async (base) => {
      const { digest } = base.bundle;
      // Looked up before anything is awaited: whoever comes second waits for the first.
      const pending = open.get(digest);
      const known = pending && (await pending.catch(() => null));
      if (known?.commit === base.commit && known.tree === base.tree && (await touch(known.gitDir))) return known;
      const opening = openOrBuild(base);
      open.delete(digest);
      open.set(digest, opening);
      const oldest = open.size > maxInMemory ? open.keys().next().value : undefined;
      if (oldest !== undefined) open.delete(oldest);
      opening.catch(() => open.get(digest) === opening && open.delete(digest));
      return opening;
    },
  };
}

const baseLine = ({ commit, tree }: Base): string => `${commit} ${tree}\n`;

const unusable = ({ bundle, commit }: Base, why: string, cause?: unknown) =>
  refusal(failures.sourceUnusable, `The bundle ${bundle.digest} is not the base ${commit}: ${why}`, cause);

async function writeSkeleton(gitDir: string, base: Base): Promise<void> {
  await mkdir(join(gitDir, 'objects', 'pack'), { recursive: true });
  await mkdir(join(gitDir, 'refs', 'aas'), { recursive: true });
  await mkdir(join(gitDir, 'info'));
  const write = (path: string, text: string) => writeFile(path, text, { flush: true });
  await Promise.all([
    write(join(gitDir, 'HEAD'), `${base.commit}\n`),
    write(join(gitDir, 'config'), '[core]\n\trepositoryformatversion = 0\n\tbare = true\n'),
    // The commit is the whole history here, whether the bundle holds its parents or not.
    write(join(gitDir, 'shallow'), `${base.commit}\n`),
    write(join(gitDir, 'refs', 'aas', 'base'), `${base.commit}\n`),
    write(join(gitDir, 'info', 'attributes'), inertAttributes),
    write(join(gitDir, 'aas-base'), baseLine(base)),
  ]);
}
