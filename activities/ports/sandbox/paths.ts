/** Where a sandbox keeps what, below the directory of its host. */
import { join } from 'node:path';

export const runsIn = (directory: string): string => join(directory, 'runs');
export const resultsIn = (directory: string): string => join(directory, 'results');
export const uidsIn = (directory: string): string => join(directory, 'uids');

export type RunPaths = ReturnType<typeof runPaths>;

/** The files of one run. All but `result` are gone once it is disposed of. */
export function runPaths(directory: string, name: string) {
  const folder = join(runsIn(directory), name);
  const mount = join(folder, 'mount');
  return {
    folder,
    record: join(folder, 'run.json'),
    /** Its modification time is when somebody last attended the run. */
    lease: join(folder, 'lease'),
    image: join(folder, 'worktree.ext4'),
    mount,
    tree: join(mount, 'tree'),
    spool: join(mount, 'spool'),
    /** Written by the container. */
    printed: join(mount, 'spool', 'output'),
    gate: join(mount, 'spool', 'gate'),
    /** What we read of it: the container cannot change that any more. */
    copy: join(folder, 'output'),
    published: join(folder, 'published.json'),
    archive: join(folder, 'archive'),
    result: join(resultsIn(directory), `${name}.json`),
  };
}
