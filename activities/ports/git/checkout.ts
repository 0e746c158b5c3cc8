/**
 * A disposable worktree: the tree's bytes exactly, and a `.git` of its own that holds one commit, the real base commit,
 * as a shallow repository. A container sees nothing but the worktree, so the objects must lie inside it, and files of
 * another file system (or of another user) cannot be hard-linked: the base's pack is copied whole, which costs no process.
 */
import { copyFile, mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Oid } from '../../../temporal/contract/messages.ts';
import { failures } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';
import { inertAttributes } from './attributes.ts';
import { giveTo } from './give-to.ts';
import type { GitCall } from './git.ts';
import { git } from './git.ts';

export interface CheckoutOptions {
  readonly gitDir: string;
  readonly commit: Oid;
  readonly tree: Oid;
  /** The tree to write where it is not the base's. */
  readonly changed: Oid | null;
  /** How to read the objects of both. */
  readonly call: GitCall;
  readonly uid: number;
  readonly gid: number;
}

const config = `[core]
	repositoryformatversion = 0
	bare = false
[user]
	name = agent
	email = agent@localhost
[gc]
	auto = 0
`;

/** Fills an empty directory. Rejects when it is not empty: what lies there could redirect what is written. */
export async function writeCheckout(directory: string, options: CheckoutOptions): Promise<void> {
  const { gitDir, commit, tree, changed, call, uid, gid } = options;
  // A fresh ext4 brings its lost+found.
  const there = (await readdir(directory)).filter((name) => name !== 'lost+found');
  if (there.length > 0) {
    throw refusal(failures.badInput, `A checkout needs an empty directory; this one holds ${there.length} entries`);
  }
  const own = join(directory, '.git');
  const indexFile = join(own, 'index');
  await writeRepository(own, gitDir, commit);
  await git(['read-tree', '--reset', '-u', changed ?? tree], { ...call, workTree: directory, indexFile });
  // The worktree's own git knows the base only: what a change brought appears as not committed.
  if (changed !== null) await git(['read-tree', tree], { ...call, indexFile });
  await giveTo(directory, uid, gid);
}

async function writeRepository(own: string, gitDir: string, commit: Oid): Promise<void> {
  const packs = join('objects', 'pack');
  await mkdir(join(own, packs), { recursive: true });
  await mkdir(join(own, 'refs', 'heads'), { recursive: true });
  await mkdir(join(own, 'info'));
  await Promise.all([
    writeFile(join(own, 'HEAD'), 'ref: refs/heads/base\n'),
    writeFile(join(own, 'refs', 'heads', 'base'), `${commit}\n`),
    writeFile(join(own, 'shallow'), `${commit}\n`),
    writeFile(join(own, 'config'), config),
    // Without it, what is written byte for byte would show as changed under `text` or `filter` attributes.
    writeFile(join(own, 'info', 'attributes'), inertAttributes),
  ]);
  const files = (await readdir(join(gitDir, packs))).filter((name) => /\.(pack|idx)$/.test(name));
  await Promise.all(files.map((name) => copyFile(join(gitDir, packs, name), join(own, packs, name))));
}
