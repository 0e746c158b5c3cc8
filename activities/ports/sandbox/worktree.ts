/**
 * The disposable worktree: a file system of its own in a file, with the tree and the command's output in it. Its size and
 * its number of inodes are hard limits, on both engines, and the host can walk it once the container is gone.
 *
 * Without root nothing can be mounted: then it is a plain directory without limits of its own (`weaknesses`).
 */
import { randomUUID } from 'node:crypto';
import { chmod, lchown, mkdir, open, rename, rm, stat, statfs, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { failures } from '../../../temporal/contract/messages.ts';
import { trouble } from '../../failures.ts';
import { exists, orNull } from './files.ts';
import type { RunPaths } from './paths.ts';
import type { SandboxLimits } from './task.ts';
import { tool } from './tools.ts';

const blockBytes = 4096;
const inodeBytes = 256;
const groupBytes = 128 * 1024 * 1024;
const overheadBytes = 4 * 1024 * 1024;
const ownInodes = 16;
const mountTries = 5;

export const canMount = process.getuid?.() === 0;

/** What does not hold on this host, in words for `doctor`. */
export const weaknesses: readonly string[] = canMount
  ? []
  : ['worktrees have no size and inode limit and sandboxes share your user number: mounting needs root'];

/**
 * Makes the worktree unless it is there, and mounts it unless it is mounted: an attempt that comes after a crash must find
 * what the one before it left, and formatting again would truncate what is in use.
 */
export async function openWorktree(
  directory: string,
  paths: RunPaths,
  limits: SandboxLimits,
  owner: { readonly uid: number; readonly gid: number },
): Promise<void> {
  if (!canMount) {
    if (!(await exists(paths.gate))) await makeFolders(paths.mount);
  } else if (!(await isMounted(paths))) {
    if (!(await exists(paths.image))) await makeImage(directory, paths, limits);
    await mountImage(paths);
  }
  // Also where it was mounted before: whoever mounted it may have come no further.
  await Promise.all([paths.tree, paths.printed].map((path) => lchown(path, owner.uid, owner.gid)));
}

async function mountImage(paths: RunPaths): Promise<void> {
  for (let tries = 1; ; tries++) {
    try {
      await tool('mount', ['-t', 'ext4', '-o', 'loop,nosuid,nodev,noatime,nobarrier', paths.image, paths.mount]);
      return;
    } catch (error) {
      // A worker that was killed leaves its `mount` running: then it is mounted, or will be in a moment.
      if (await isMounted(paths)) return;
      if (tries === mountTries) throw error;
      await delay(50);
    }
  }
}

/**
 * The two folders that an engine wants to see when it makes a container, before anything is mounted. Nobody may write to
 * these: a container that got them instead of the mounted ones (measured: an engine in another mount namespace) can do
 * nothing.
 */
export async function makeMountPoint(paths: RunPaths): Promise<void> {
  const mode = canMount ? 0o700 : 0o755;
  await mkdir(paths.tree, { recursive: true, mode });
  await mkdir(paths.spool, { recursive: true, mode });
}

/** Whether the worktree is there as the container left it. */
export const hasWorktree = (paths: RunPaths): Promise<boolean> => exists(canMount ? paths.image : paths.gate);

/** Unmounts and removes a run's folder. Idempotent: every step may have happened before. */
export async function removeWorktree(paths: RunPaths): Promise<void> {
  for (let tries = 0; canMount && (await isMounted(paths)); tries++) {
    // Somebody may still look at it; then it goes when they are done.
    await tool('umount', [...(tries === 0 ? [] : ['--lazy']), paths.mount]).catch((error: unknown) => {
      if (tries > 0) throw error;
    });
  }
  await rm(paths.folder, { recursive: true, force: true });
}

/** The kernel's word, not a file's: the mount is there when its root is on another device than its mount point. */
async function isMounted(paths: RunPaths): Promise<boolean> {
  const [outside, inside] = await Promise.all([orNull(stat(paths.folder)), orNull(stat(paths.mount))]);
  return outside !== null && inside !== null && outside.dev !== inside.dev;
}

async function makeImage(directory: string, paths: RunPaths, limits: SandboxLimits): Promise<void> {
  const draft = `${paths.image}.draft`;
  const inodeTable = (limits.worktreeInodes + ownInodes) * inodeBytes;
  const bytes = limits.worktreeBytes + limits.outputBytes + inodeTable + overheadBytes;
  await assertRoom(directory, bytes);
  const mostInodes = Math.ceil(bytes / groupBytes) * blockBytes * 8;
  const inodes = Math.min(limits.worktreeInodes + ownInodes, mostInodes);
  await rm(draft, { force: true });
  const file = await open(draft, 'wx', 0o600);
  await file.truncate(bytes);
  await file.close();
  await tool('mke2fs', [
    ...['-q', '-F', '-t', 'ext4', '-b', String(blockBytes), '-I', String(inodeBytes), '-N', String(inodes), '-m', '0'],
    // No journal: it is thrown away, not recovered.
    ...['-O', '^has_journal,^resize_inode,^metadata_csum', '-E', 'lazy_itable_init=1,nodiscard,root_owner=0:0'],
    ...['-d', await skeleton(directory), draft],
  ]);
  await rename(draft, paths.image);
}

/**
 * The image is sparse, so a disk that fills up later would lose what the command wrote. Nothing is reserved: this only
 * keeps a host that is full already from taking work.
 */
async function assertRoom(directory: string, bytes: number): Promise<void> {
  const { bavail, bsize } = await statfs(directory);
  if (bavail * bsize >= bytes) return;
  const [has, needs] = [bavail * bsize, bytes].map((count) => Math.ceil(count / (1024 * 1024)));
  throw trouble(
    failures.sandboxUnavailable,
    `The disk of ${directory} is too full for a worktree: it has ${has} MiB and needs ${needs}. Free some space there`,
  );
}

/** The folders every new worktree starts with, made once a host. */
async function skeleton(directory: string): Promise<string> {
  const place = join(directory, 'skeleton');
  if (await exists(place)) return place;
  const draft = join(directory, `skeleton.${randomUUID()}`);
  await makeFolders(draft);
  // Another run may have been faster; its one is the same.
  await rename(draft, place).catch(() => rm(draft, { recursive: true, force: true }));
  return place;
}

async function makeFolders(root: string): Promise<void> {
  await mkdir(join(root, 'tree'), { recursive: true, mode: 0o755 });
  await mkdir(join(root, 'spool'), { recursive: true, mode: 0o755 });
  await writeFile(join(root, 'spool', 'output'), '', { mode: 0o600 });
  const gate = join(root, 'spool', 'gate');
  const pipe = join(root, 'spool', 'pipe');
  await tool('mkfifo', [gate, pipe]);
  // The container opens them and can neither replace nor remove them: the folder is the host's. Nobody in there reads the
  // gate, or could take from it what is for us.
  await chmod(gate, 0o622);
  await chmod(pipe, 0o666);
}
