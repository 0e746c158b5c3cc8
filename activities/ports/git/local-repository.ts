/**
 * Somebody's repository on this machine, found by looking at files alone: git is not asked, because it would read that
 * repository's configuration first.
 */
import type { Stats } from 'node:fs';
import { lstat, readdir, readFile, readlink, realpath, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { hasCode, ifThere } from '../../../artifacts/errors.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';

export interface LocalRepository {
  /** `file:<dev>:<ino>` of the common git directory: worktrees, symlinks and spellings of one repository are one key. */
  readonly key: string;
  /** The one spelling: the real path of the main worktree, or of a bare repository. */
  readonly location: string;
  /** Holds refs and objects. */
  readonly commonDir: string;
  /** What HEAD says: `ref: refs/heads/main` or an id. That of a linked worktree where one was named. */
  readonly head: string;
  readonly owner: { readonly uid: number; readonly gid: number };
}

const maxFileBytes = 64 * 1024;

/** Rejects `Source.Unusable`, saying why, unless `path` is a repository that git 2.39 with SHA-1 ids can read alone. */
export async function findLocalRepository(path: string): Promise<LocalRepository> {
  const real = await resolvePath(path);
  const gitDir = await findGitDir(real);
  if (gitDir === null)
    throw unusable(`${path} is not a git repository. Give the folder that holds its .git, or run git init`);
  const commonFile = await readSmall(join(gitDir, 'commondir'));
  const commonDir = commonFile === null ? gitDir : await resolvePath(resolve(gitDir, commonFile.trimEnd()));
  if (!(await isGitDir(commonDir))) throw unusable(`${path} is a worktree whose repository is gone (${commonDir})`);
  await assertReadable(commonDir);
  const { dev, ino, uid, gid } = await stat(commonDir);
  return {
    key: `file:${dev}:${ino}`,
    location: basename(commonDir) === '.git' ? dirname(commonDir) : commonDir,
    commonDir,
    head: await readHeadFile(gitDir),
    owner: { uid, gid },
  };
}

async function resolvePath(path: string): Promise<string> {
  try {
    return await realpath(path);
  } catch (error) {
    const why = hasCode(error, 'ENOENT') ? 'does not exist' : 'cannot be reached by the source worker';
    throw unusable(`${path} ${why}. Check the path, and that the user AAS runs as may read it`, error);
  }
}

async function findGitDir(path: string): Promise<string | null> {
  const inside = join(path, '.git');
  const entry = await ifThere(stat(inside)).catch(() => null);
  if (entry?.isFile()) {
    const link = /^gitdir: ([^\n]+)\n?$/.exec((await readSmall(inside)) ?? '');
    return link?.[1] === undefined ? null : resolvePath(resolve(path, link[1]));
  }
  if (entry?.isDirectory() && (await isGitDir(inside))) return realpath(inside);
  return (await isGitDir(path)) ? path : null;
}

/** A linked worktree's directory has a HEAD and a commondir; every other has objects and refs. */
async function isGitDir(path: string): Promise<boolean> {
  const isDirectory = async (name: string) => (await statOrNull(join(path, name)))?.isDirectory() === true;
  const hasHead = (await ifThere(lstat(join(path, 'HEAD'))).catch(() => null)) !== null;
  if (!hasHead) return false;
  return (
    (await statOrNull(join(path, 'commondir'))) !== null ||
    ((await isDirectory('objects')) && (await isDirectory('refs')))
  );
}

async function assertReadable(commonDir: string): Promise<void> {
  const config = (await readSmall(join(commonDir, 'config'))) ?? '';
  if (/^\s*objectformat\s*=\s*"?sha256/im.test(config))
    throw unusable('Repositories with SHA-256 ids are not supported yet');
  if (/^\s*refstorage\s*=\s*"?reftable/im.test(config))
    throw unusable('Repositories that keep refs as reftable are not supported yet');
  const packedRefs = await ifThere(lstat(join(commonDir, 'packed-refs')));
  if (packedRefs !== null && !packedRefs.isFile()) throw unusable('Its packed-refs is not a file');
}

/**
 * Rejects `Source.Unusable` when some objects lie elsewhere, by alternates or by symlinks: whoever can write a repository
 * could otherwise make us read any other one that we may read.
 */
export async function assertOwnObjects({ commonDir, location }: LocalRepository): Promise<void> {
  const objects = join(commonDir, 'objects');
  const borrowed = (what: string) =>
    unusable(
      `${location} borrows objects from elsewhere (${what}). Make it whole: git repack -a -d, then remove that file`,
    );
  if ((await lstat(objects)).isSymbolicLink()) throw borrowed('objects is a symbolic link');
  if ((await ifThere(lstat(join(objects, 'info', 'alternates')))) !== null) throw borrowed('objects/info/alternates');
  for (const entry of await readdir(objects, { withFileTypes: true })) {
    if (entry.isSymbolicLink()) throw borrowed(`objects/${entry.name}`);
    if (!entry.isDirectory()) continue;
    const inside = await readdir(join(objects, entry.name), { withFileTypes: true });
    const odd = inside.find((file) => !file.isFile() && !file.isDirectory());
    if (odd) throw borrowed(`objects/${entry.name}/${odd.name}`);
  }
}

/** What a git directory's HEAD says. */
export async function readHeadFile(gitDir: string): Promise<string> {
  const path = join(gitDir, 'HEAD');
  // The old form of a symbolic ref.
  if ((await lstat(path)).isSymbolicLink()) return `ref: ${await readlink(path)}`;
  return ((await readSmall(path)) ?? '').trimEnd();
}

/** The text of a small regular file, or null. It may be anything (a FIFO, a device), so it is not opened unless it is a file. */
async function readSmall(path: string): Promise<string | null> {
  const entry = await statOrNull(path);
  if (entry === null) return null;
  if (!entry.isFile() || entry.size > maxFileBytes) throw unusable(`${path} is not what git keeps there`);
  return readFile(path, 'utf8');
}

const statOrNull = (path: string): Promise<Stats | null> => stat(path).catch(() => null);

const unusable = (message: string, cause?: unknown) => refusal(failures.sourceUnusable, message, cause);
