/**
 * A git directory of our own before somebody's repository: its objects, refs and packed-refs by symbolic link, and nothing
 * else of it. git then reads none of its configuration, hooks, attributes, grafts or replacements, whatever they say.
 */
import { chown, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { LocalRepository } from './local-repository.ts';

const config = '[core]\n\trepositoryformatversion = 0\n\tbare = true\n\tlogAllRefUpdates = false\n';

/** Calls `use` with the git directory of the facade, which is gone afterwards. `user` may read it besides us. */
export async function withFacade<T>(
  { commonDir }: LocalRepository,
  use: (gitDir: string) => Promise<T>,
  user?: { readonly uid: number; readonly gid: number },
): Promise<T> {
  const gitDir = await mkdtemp(join(tmpdir(), 'aas-git-'));
  try {
    await Promise.all([
      ...['objects', 'refs', 'packed-refs'].map((name) => symlink(join(commonDir, name), join(gitDir, name))),
      writeFile(join(gitDir, 'HEAD'), 'ref: refs/heads/none\n'),
      writeFile(join(gitDir, 'config'), config),
    ]);
    if (user) await chown(gitDir, user.uid, user.gid);
    return await use(gitDir);
  } finally {
    await rm(gitDir, { recursive: true, force: true });
  }
}
