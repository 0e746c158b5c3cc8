/** What never becomes part of a change, told to people: how much of it there was, and where. */
import { lstatSync, readdirSync } from 'node:fs';
import type { Findings } from './findings.ts';
import { diskPath, shownPath } from './names.ts';
import { createPause } from './pause.ts';

export interface Dropped {
  /** The base's own ignore rules, or never part of a change. */
  readonly reason: 'ignored' | 'runtime';
  readonly path: string;
  readonly directory: boolean;
}

const reasons = { ignored: 'that the base ignores', runtime: 'that agents leave at run time' } as const;
const shownRoots = 20;
/** A folder of dependencies can hold any number of files; nobody needs their exact count. */
const maxCounted = 100_000;

export async function reportDropped(root: string, dropped: readonly Dropped[], findings: Findings): Promise<void> {
  for (const reason of ['ignored', 'runtime'] as const) {
    const some = dropped.filter((entry) => entry.reason === reason);
    if (some.length === 0) continue;
    const { files, bytes, whole } = await measure(root, some);
    const roots = some.slice(0, shownRoots).map(({ path, directory }) => `${shownPath(path)}${directory ? '/' : ''}`);
    const rest = some.length > roots.length ? ` and ${some.length - roots.length} more` : '';
    const amount = `${whole ? '' : 'at least '}${files} files, ${bytes} bytes`;
    findings.info(`worktree.${reason}`, `Left out ${amount} ${reasons[reason]}: ${roots.join(', ')}${rest}`);
  }
}

async function measure(
  root: string,
  dropped: readonly Dropped[],
): Promise<{ files: number; bytes: number; whole: boolean }> {
  const pause = createPause();
  const ahead = dropped.map(({ path }) => path);
  let files = 0;
  let bytes = 0;
  for (let counted = 0; counted < maxCounted; counted++) {
    const path = ahead.pop();
    if (path === undefined) return { files, bytes, whole: true };
    const stats = lstatSync(diskPath(root, path));
    if (stats.isDirectory()) {
      for (const name of readdirSync(diskPath(root, path), { encoding: 'buffer' }))
        ahead.push(`${path}/${name.toString('latin1')}`);
    } else {
      files++;
      bytes += stats.size;
    }
    await pause();
  }
  return { files, bytes, whole: false };
}
