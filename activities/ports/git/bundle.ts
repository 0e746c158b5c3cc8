/**
 * The base as one artifact: a git bundle whose one ref, `refs/aas/base`, is the commit, with that commit's tree and
 * nothing of its history. Its size follows the tree, not the age of the repository.
 */
import { closeSync, openSync, readSync, writeSync } from 'node:fs';
import type { Oid } from '../../../temporal/contract/messages.ts';
import { git } from './git.ts';

export const bundleMediaType = 'application/x-git-bundle';
const packTimeoutMs = 10 * 60_000;

const headerOf = (commit: Oid): string => `# v2 git bundle\n${commit} refs/aas/base\n\n`;

/**
 * Writes the bundle of `commit` to `path`. No delta is looked for and none is reused: one version of each file has
 * little to gain from them, and the bytes then depend on the commit (and git's zlib) alone.
 */
export async function writeBundle(gitDir: string, commit: Oid, path: string): Promise<void> {
  const file = openSync(path, 'wx', 0o600);
  try {
    writeSync(file, headerOf(commit));
    const options = ['--stdout', '--revs', '--threads=1', '--window=0', '--compression=1'];
    await git(['pack-objects', '-q', ...options, '--no-reuse-delta', '--no-reuse-object'], {
      gitDir,
      input: Buffer.from(`--shallow ${commit}\n${commit}\n`),
      onOutput: (chunk) => writeAll(file, chunk),
      maxOutputBytes: Number.MAX_SAFE_INTEGER,
      timeoutMs: packTimeoutMs,
    });
  } finally {
    closeSync(file);
  }
}

/** Hands the bundle's pack to `use` as a file descriptor; `null` when the file is no bundle of exactly this commit. */
export async function withBundlePack<T>(
  path: string,
  commit: Oid,
  use: (pack: number) => Promise<T>,
): Promise<T | null> {
  const file = openSync(path, 'r');
  try {
    const expected = Buffer.from(headerOf(commit));
    const found = Buffer.alloc(expected.length);
    // Reading moves the descriptor's position to where the pack begins, and that is where git goes on.
    const bytes = readSync(file, found, 0, found.length, null);
    return bytes === expected.length && found.equals(expected) ? await use(file) : null;
  } finally {
    closeSync(file);
  }
}

function writeAll(file: number, chunk: Buffer): void {
  for (let written = 0; written < chunk.length;) written += writeSync(file, chunk, written);
}
