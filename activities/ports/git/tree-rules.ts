/**
 * What no single file of a change shows: names, links, and how they go together. Asked of a worktree by the hands that
 * walked it, and of a patch by control, which believes neither hands nor whoever brought the patch.
 */
import type { ChangedFile, Finding } from '../../../temporal/contract/messages.ts';
import type { Findings } from './findings.ts';
import { createFindings } from './findings.ts';
import { collisions, prefixesOf, whyHostile } from './hostile-names.ts';
import { withIgnoreRules } from './ignore-rules.ts';
import { bytePath, shownPath, textOf } from './names.ts';
import type { BaseEntry, TrustedRepository } from './port.ts';
import { leavesTree } from './symlinks.ts';

type Base = ReadonlyMap<string, BaseEntry>;

/** Longest path of a file that a change adds, in bytes. */
export const maxPathBytes = 1024;
const symlinkMode = '120000';
const maxLinkBytes = 16 * 1024 * 1024;

/** Paths that are new: hostile ones, and those which are another one's where case or Unicode form does not count. */
export function judgeNames(
  added: readonly string[],
  base: Base,
  isRemoved: (path: string) => boolean,
  longestBytes: number,
  findings: Findings,
): void {
  for (const path of added) {
    const why = whyHostile(path, longestBytes);
    if (why !== null) findings.deny('worktree.name', `This path ${why}`, path);
  }
  if (added.length === 0) return;
  const kept = [...base.keys()].filter((path) => !isRemoved(path));
  const folders = new Set(kept.flatMap(prefixesOf));
  for (const { path, other } of collisions(added, [...kept, ...added], (prefix) => folders.has(prefix))) {
    findings.deny('worktree.collision', `Elsewhere this is the same path as ${shownPath(other)}`, path);
  }
}

/** `links` are all of the changed tree, with their targets. */
export function judgeLinks(
  isChanged: (path: string) => boolean,
  links: ReadonlyMap<string, string>,
  findings: Findings,
): void {
  const unchanged = new Map([...links].filter(([path]) => !isChanged(path)));
  for (const [path, target] of links) {
    // A link of the base that leads out did so before.
    if (unchanged.has(path) && leavesTree(path, unchanged)) continue;
    const odd = !unchanged.has(path) && (textOf(target) === null || /\p{Cc}/u.test(textOf(target) ?? ''));
    if (odd) findings.deny('worktree.symlink', 'A symbolic link to a name that cannot be shown', path);
    else if (leavesTree(path, links))
      findings.deny('worktree.symlink', 'This symbolic link leads out of the tree or into .git', path);
    else if (!unchanged.has(path)) findings.review('worktree.symlink', `A symbolic link to ${shownPath(target)}`, path);
  }
}

/** Why the tree that a patch makes of the base cannot be taken: denials only, and none for most. */
export async function judgeTree(repository: TrustedRepository, files: readonly ChangedFile[]): Promise<Finding[]> {
  const findings = createFindings();
  const base = await repository.entries();
  const changed = new Map(files.map((file) => [bytePath(file.path), file]));
  const added = [...changed].filter(([, { status }]) => status === 'added').map(([path]) => path);
  judgeNames(added, base, (path) => changed.get(path)?.status === 'deleted', maxPathBytes, findings);
  for (const path of await ignoredOf(repository, added))
    findings.deny('paths.ignored', 'The base ignores this path, so it is nothing to add to it', path);
  if (files.some(({ oldMode, newMode }) => oldMode === symlinkMode || newMode === symlinkMode))
    judgeLinks((path) => changed.has(path), await linksOf(repository, base, changed), findings);
  return findings.list().filter(({ severity }) => severity === 'deny');
}

/** git looks at the folders above each path by itself. */
async function ignoredOf(repository: TrustedRepository, added: readonly string[]): Promise<string[]> {
  if (added.length === 0) return [];
  const asked = added.map((path) => ({ path, directory: false }));
  const ignored = await withIgnoreRules(repository, (rules) => rules.ignored(asked));
  return added.filter((path) => ignored.has(path));
}

async function linksOf(
  repository: TrustedRepository,
  base: Base,
  changed: ReadonlyMap<string, ChangedFile>,
): Promise<ReadonlyMap<string, string>> {
  const kept = [...base].filter(([path, { mode }]) => mode === symlinkMode && !changed.has(path));
  const made = [...changed].filter(([, { newMode }]) => newMode === symlinkMode);
  const oids = new Map([
    ...kept.map(([path, { oid }]) => [path, oid] as const),
    ...made.map(([path, { newOid }]) => [path, newOid] as const),
  ]);
  const targets = await repository.readBlobs([...new Set(oids.values())], maxLinkBytes);
  return new Map([...oids].map(([path, oid]) => [path, targets.get(oid)?.toString('latin1') ?? '']));
}
