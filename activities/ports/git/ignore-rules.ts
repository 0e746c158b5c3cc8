/**
 * The base commit's ignore rules, as git reads them. Asked in a scratch worktree that holds the base's `.gitignore` files
 * and nothing else: the agent's own files are never read, so it cannot hide a change by ignoring it.
 */
import { mkdirSync } from 'node:fs';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { git } from './git.ts';
import { isGitName } from './hostile-names.ts';
import { diskPath } from './names.ts';
import type { TrustedRepository } from './port.ts';

export interface Untracked {
  readonly path: string;
  readonly directory: boolean;
}

export interface IgnoreRules {
  /** Those of the paths that the base ignores. Ask for a folder before what is in it. */
  ignored(untracked: readonly Untracked[]): Promise<ReadonlySet<string>>;
}

const maxRuleBytes = 16 * 1024 * 1024;
const none: IgnoreRules = { ignored: () => Promise.resolve(new Set()) };

export async function withIgnoreRules<T>(
  repository: TrustedRepository,
  use: (rules: IgnoreRules) => Promise<T>,
): Promise<T> {
  const files = await ruleFiles(repository);
  if (files.size === 0) return use(none);
  const workTree = await mkdtemp(join(tmpdir(), 'aas-ignore-'));
  try {
    for (const [path, bytes] of files) {
      await mkdir(diskPath(workTree, dirname(path)), { recursive: true });
      await writeFile(diskPath(workTree, path), bytes);
    }
    return await use({ ignored: (untracked) => ask(repository.gitDir, workTree, untracked) });
  } finally {
    await rm(workTree, { recursive: true, force: true });
  }
}

async function ask(gitDir: string, workTree: string, untracked: readonly Untracked[]): Promise<ReadonlySet<string>> {
  // No rule is asked about these: they are refused later, and must not stand in the place of a rule file now.
  const asked = untracked.filter(
    ({ path }) => !path.split('/').some((name) => name === '.gitignore' || isGitName(name)),
  );
  if (asked.length === 0) return new Set();
  // A rule with a slash at its end is for folders: git looks which ones are.
  for (const { path, directory } of asked) if (directory) mkdirSync(diskPath(workTree, path), { recursive: true });
  // A leading colon would be pathspec magic.
  const input = Buffer.from(asked.map(({ path }) => `./${path}\0`).join(''), 'latin1');
  const output = await git(['check-ignore', '-z', '--stdin', '--no-index'], {
    gitDir,
    workTree,
    input,
    exitCodes: [1],
  });
  return new Set(
    output
      .toString('latin1')
      .split('\0')
      .slice(0, -1)
      .map((path) => path.slice(2)),
  );
}

/** Immutable, so read once for a base. */
const known = new WeakMap<TrustedRepository, Promise<ReadonlyMap<string, Buffer>>>();

function ruleFiles(repository: TrustedRepository): Promise<ReadonlyMap<string, Buffer>> {
  const reading = known.get(repository) ?? readRuleFiles(repository);
  known.set(repository, reading);
  reading.catch(() => known.delete(repository));
  return reading;
}

async function readRuleFiles(repository: TrustedRepository): Promise<ReadonlyMap<string, Buffer>> {
  const entries = await repository.entries();
  // git follows no symbolic link here either.
  const rules = [...entries].filter(([path, { mode }]) => /(?:^|\/)\.gitignore$/.test(path) && mode.startsWith('100'));
  if (rules.length === 0) return new Map();
  const blobs = await repository.readBlobs(
    rules.map(([, { oid }]) => oid),
    maxRuleBytes,
  );
  return new Map(rules.map(([path, { oid }]) => [path, blobs.get(oid) ?? Buffer.alloc(0)]));
}
