/**
 * What an agent changed, worked out by us: the worktree is walked and hashed, and never handed to git, whose
 * configuration, hooks, filters, index and attributes all lie where the agent could write.
 *
 * The container must be gone and the worktree mounted nowhere else writable; then nothing changes between two looks.
 */
import { readlinkSync } from 'node:fs';
import type { Oid } from '../../../temporal/contract/messages.ts';
import { reportDropped } from './dropped.ts';
import { hashFile, readContent } from './file-content.ts';
import type { Findings } from './findings.ts';
import { createFindings } from './findings.ts';
import { GitError } from './git-error.ts';
import { withIgnoreRules } from './ignore-rules.ts';
import { diskPath } from './names.ts';
import { blobOid } from './objects.ts';
import { createPause } from './pause.ts';
import type { BaseEntry, DerivedChange, DeriveLimits, TrustedRepository, TreeDraft } from './port.ts';
import { judgeLinks, judgeNames } from './tree-rules.ts';
import type { Found, Survey } from './worktree.ts';
import { surveyWorktree } from './worktree.ts';

type Edits = Map<string, { readonly mode: string; readonly oid: Oid } | null>;

interface Derivation {
  readonly root: string;
  readonly base: ReadonlyMap<string, BaseEntry>;
  readonly limits: DeriveLimits;
  readonly findings: Findings;
  readonly draft: TreeDraft;
  readonly edits: Edits;
  /** Every symbolic link of the tree, changed or not. */
  readonly links: Map<string, string>;
}

const symlinkMode = '120000';

/**
 * Derives the change of a worktree against its base. A worktree that cannot be trusted to be what it shows is refused: a
 * `deny` finding, no diff, the base's tree. Limits count what the base does not have: the base itself was measured when
 * it was resolved. Ignored files (by the base's own rules) and runtime folders never enter; they are counted in a finding.
 */
export async function deriveChange(
  directory: string,
  repository: TrustedRepository,
  limits: DeriveLimits,
): Promise<DerivedChange> {
  const findings = createFindings();
  const base = await repository.entries();
  const survey = await withIgnoreRules(repository, (ignore) =>
    surveyWorktree({ root: directory, base, ignore, limits, findings }),
  );
  await reportDropped(directory, survey.dropped, findings);
  const refused = (): DerivedChange => ({ tree: repository.tree, diff: null, findings: findings.list() });
  if (findings.denied) return refused();

  const draft = await repository.draft();
  const derivation: Derivation = { root: directory, base, limits, findings, draft, edits: new Map(), links: new Map() };
  await compare(derivation, survey);
  judge(derivation, survey);
  const { edits } = derivation;
  if (findings.denied) return refused();
  if (edits.size === 0) return { tree: repository.tree, diff: null, findings: findings.list() };

  try {
    const tree = await draft.write(edits);
    return { tree, diff: await repository.diff(tree), findings: findings.list() };
  } catch (error) {
    if (!(error instanceof GitError) || error.reason !== 'exit') throw error;
    findings.deny('worktree.git', `git does not take this tree: ${error.stderr}`);
    return refused();
  }
}

/** Fills in edits and links. Stops at the first limit: whoever is over it is refused anyway. */
async function compare(derivation: Derivation, { found, submodules }: Survey): Promise<void> {
  const { base, limits, findings, edits } = derivation;
  const pause = createPause();
  let newBytes = 0;
  for (const entry of found) {
    await pause();
    const changed = entry.stats.isSymbolicLink() ? compareLink(derivation, entry) : compareFile(derivation, entry);
    if (!changed) continue;
    newBytes += entry.stats.size;
    if (newBytes > limits.maxTotalBytes) {
      return findings.deny('worktree.bytes', `More than ${limits.maxTotalBytes} bytes of new content`);
    }
  }
  const there = new Set(found.map(({ path }) => path));
  for (const path of base.keys()) if (!there.has(path) && !submodules.has(path)) edits.set(path, null);
  if (edits.size > limits.maxChanges) {
    findings.deny('worktree.changes', `${edits.size} files were changed, at most ${limits.maxChanges} are taken`);
  }
}

function compareLink({ root, base, draft, edits, links }: Derivation, { path }: Found): boolean {
  const target = readlinkSync(diskPath(root, path), { encoding: 'buffer' });
  const oid = blobOid(target);
  const before = base.get(path);
  links.set(path, target.toString('latin1'));
  if (before?.mode === symlinkMode && before.oid === oid) return false;
  draft.putBlob(oid, target);
  edits.set(path, { mode: symlinkMode, oid });
  return true;
}

function compareFile({ root, base, limits, findings, draft, edits }: Derivation, { path, stats }: Found): boolean {
  const before = base.get(path);
  const wasFile = before?.mode.startsWith('100') === true;
  const mode = (stats.mode & 0o100) === 0 ? '100644' : '100755';
  const sameMode = wasFile && before.mode.endsWith('755') === mode.endsWith('755');
  const file = diskPath(root, path);
  if ((stats.mode & 0o6000) !== 0)
    findings.deny('worktree.setuid', 'A file that changes who runs it cannot be part of a change', path);
  // What has another length is another file; only the rest must be read to know.
  const sameLength = wasFile && before.bytes === stats.size;
  if (stats.size > limits.maxFileBytes && !sameLength) {
    findings.deny('worktree.file_bytes', `${stats.size} bytes, at most ${limits.maxFileBytes} are taken`, path);
    return false;
  }
  if (stats.size > limits.maxFileBytes) {
    const oid = hashFile(file, stats);
    if (oid !== before?.oid)
      findings.deny('worktree.file_bytes', `Changed, and larger than ${limits.maxFileBytes} bytes`, path);
    else if (!sameMode) edits.set(path, { mode, oid });
    return false;
  }
  const content = readContent(file, stats);
  const oid = blobOid(content);
  if (sameMode && oid === before.oid) return false;
  if (oid !== before?.oid) draft.putBlob(oid, content);
  edits.set(path, { mode, oid });
  return true;
}

/** What no single file shows: names, links, and how they go together. */
function judge({ base, limits, findings, edits, links }: Derivation, { found }: Survey): void {
  const set = found.filter(({ path }) => edits.get(path));
  const added = set.map(({ path }) => path).filter((path) => !base.has(path));
  judgeNames(added, base, (path) => edits.get(path) === null, limits.maxPathBytes, findings);
  judgeLinks((path) => edits.has(path), links, findings);
  judgeHardLinks(set, found, findings);
  for (const { path } of set) {
    const executable = edits.get(path)?.mode === '100755' && base.get(path)?.mode !== '100755';
    if (executable) findings.review('worktree.executable', 'Made executable', path);
  }
}

/** All names of a file must be in the tree: one that is not may be anybody's file. */
function judgeHardLinks(set: readonly Found[], found: readonly Found[], findings: Findings): void {
  const linked = set.filter(({ stats }) => stats.isFile() && stats.nlink > 1);
  if (linked.length === 0) return;
  const names = new Map<number, number>();
  for (const { stats } of found) names.set(stats.ino, (names.get(stats.ino) ?? 0) + 1);
  for (const { path, stats } of linked) {
    if ((names.get(stats.ino) ?? 0) < stats.nlink) {
      findings.deny('worktree.hardlink', 'This file has another name that is not part of the change', path);
    } else findings.review('worktree.hardlink', 'Several paths were one file; each becomes a file of its own', path);
  }
}
