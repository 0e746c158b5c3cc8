/** Looking at an agent's worktree: names and kinds only, level by level, nothing opened and no link followed. */
import type { Stats } from 'node:fs';
import { lstatSync, readdirSync } from 'node:fs';
import type { Dropped } from './dropped.ts';
import type { Findings } from './findings.ts';
import { prefixesOf } from './hostile-names.ts';
import type { IgnoreRules, Untracked } from './ignore-rules.ts';
import { diskPath } from './names.ts';
import { createPause } from './pause.ts';
import type { BaseEntry, DeriveLimits } from './port.ts';

/** A regular file or a symbolic link. */
export interface Found {
  readonly path: string;
  readonly stats: Stats;
}

export interface Survey {
  readonly found: readonly Found[];
  readonly dropped: readonly Dropped[];
  /** Submodules whose folder is still there, as empty as a checkout leaves it. */
  readonly submodules: ReadonlySet<string>;
}

export interface Worktree {
  readonly root: string;
  readonly base: ReadonlyMap<string, BaseEntry>;
  readonly ignore: IgnoreRules;
  readonly limits: DeriveLimits;
  readonly findings: Findings;
}

/** Agents and their frameworks leave these at the top; what the base tracks in them is the repository's own. */
const runtimeFolders = new Set(['.masfactory_runtime', 'logs', 'memory']);
/** An ext4 folder has at most this many bytes an entry, half-empty blocks included. */
const maxFolderBytesPerEntry = 600;

/** Ends the walk: what it has seen is enough to refuse. */
class Refused extends Error {}

/** Walks the worktree. What it refuses becomes a finding; a tree over its limits is not walked to its end. */
export async function surveyWorktree(worktree: Worktree): Promise<Survey> {
  const { root, base, ignore, limits, findings } = worktree;
  const rootStats = lstatSync(root);
  const folders = new Set([...base.keys()].flatMap((path) => prefixesOf(path).slice(1)));
  const found: Found[] = [];
  const dropped: Dropped[] = [];
  const submodules = new Set<string>();
  let untrackedEntries = 0;

  /** Looks at one entry. What the base does not have is given back: rules may drop it. */
  function look(path: string): Found | null {
    const stats = lstatSync(diskPath(root, path));
    const entry = base.get(path);
    if (entry === undefined && !(stats.isDirectory() && folders.has(path))) {
      if (++untrackedEntries > limits.maxEntries) {
        findings.deny(
          'worktree.entries',
          `There are more than ${limits.maxEntries} entries that the base does not have`,
        );
        throw new Refused();
      }
      if (path.length > limits.maxPathBytes) {
        findings.deny('worktree.name', `This path is longer than ${limits.maxPathBytes} bytes`, path);
        return null;
      }
      return { path, stats };
    }
    if (entry?.mode === '160000') lookAtSubmodule(path, stats);
    else keep({ path, stats });
    return null;
  }

  function lookAtSubmodule(path: string, stats: Stats): void {
    submodules.add(path);
    const untouched = stats.isDirectory() && list(path, stats).length === 0;
    if (!untouched)
      findings.deny('worktree.submodule', 'A submodule was filled or replaced; its content cannot be reviewed', path);
  }

  let next: string[] = [];
  function keep({ path, stats }: Found): void {
    const kind = stats.isDirectory() ? 'folder' : stats.isFile() || stats.isSymbolicLink() ? 'file' : null;
    if (kind === null) findings.deny('worktree.special', `A ${kindOf(stats)} cannot be part of a change`, path);
    else if (stats.dev !== rootStats.dev) findings.deny('worktree.mount', 'This lies on another file system', path);
    else if (kind === 'file') found.push({ path, stats });
    else if (path.split('/').length > limits.maxDepth)
      findings.deny('worktree.depth', `Folders nest deeper than ${limits.maxDepth}`, path);
    else next.push(path);
  }

  function list(folder: string, stats: Stats): string[] {
    if (stats.size > Math.max(limits.maxEntries, base.size) * maxFolderBytesPerEntry + 1024 * 1024) {
      findings.deny('worktree.entries', 'This folder holds more entries than a worktree may have', folder);
      throw new Refused();
    }
    const names = readdirSync(diskPath(root, folder), { encoding: 'buffer' })
      .map((name) => name.toString('latin1'))
      .sort();
    return folder === '' ? names.filter((name) => name !== '.git') : names.map((name) => `${folder}/${name}`);
  }

  /** Drops what the base ignores and what is never part of a change; keeps the rest. */
  async function sift(untracked: readonly Found[]): Promise<void> {
    const isRuntime = ({ path }: Found) => runtimeFolders.has(path.split('/')[0] ?? '');
    const asked: Untracked[] = untracked
      .filter((entry) => !isRuntime(entry))
      .map(({ path, stats }) => ({ path, directory: stats.isDirectory() }));
    const ignored = await ignore.ignored(asked);
    for (const entry of untracked) {
      const reason = isRuntime(entry) ? 'runtime' : ignored.has(entry.path) ? 'ignored' : null;
      if (reason === null) keep(entry);
      else dropped.push({ reason, path: entry.path, directory: entry.stats.isDirectory() });
    }
  }

  const pause = createPause();
  try {
    for (let level = ['']; level.length > 0; level = next.sort()) {
      next = [];
      const untracked: Found[] = [];
      for (const folder of level) {
        for (const path of list(folder, lstatSync(diskPath(root, folder)))) {
          const entry = look(path);
          if (entry) untracked.push(entry);
          await pause();
        }
      }
      if (untracked.length > 0) await sift(untracked);
    }
  } catch (error) {
    if (!(error instanceof Refused)) throw error;
  }
  return { found, dropped, submodules };
}

function kindOf(stats: Stats): string {
  if (stats.isFIFO()) return 'FIFO';
  if (stats.isSocket()) return 'socket';
  return stats.isBlockDevice() || stats.isCharacterDevice() ? 'device' : 'thing that is neither file nor folder';
}
