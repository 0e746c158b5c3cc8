/** Real repositories in temporary folders, which are removed when the test that made them has ended. */
import { execFile } from 'node:child_process';
import { chmod, mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { onTestFinished } from 'vitest';
import { createBaseRepositories } from '../../activities/ports/git/base-repositories.ts';
import type { BaseRepositories, TrustedRepository } from '../../activities/ports/git/port.ts';
import { createSource } from '../../activities/ports/git/source.ts';
import type { Source } from '../../activities/ports/git/source.ts';
import type { ArtifactStore } from '../../artifacts/artifact-store.ts';
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';
import type { Base } from '../../temporal/contract/messages.ts';

const run = promisify(execFile);

/** A file's content, or what else may be at a path. */
export type FileSpec =
  string | Uint8Array | { readonly link: string } | { readonly content: string | Uint8Array; readonly mode: number };

/** An empty folder, gone after the test. */
export async function temporaryFolder(): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'aas-test-'));
  onTestFinished(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const environment = {
  PATH: process.env['PATH'],
  HOME: '/nonexistent',
  GIT_CONFIG_NOSYSTEM: '1',
  GIT_AUTHOR_NAME: 'Someone',
  GIT_AUTHOR_EMAIL: 'someone@example.com',
  GIT_AUTHOR_DATE: '2026-01-02T03:04:05Z',
  GIT_COMMITTER_NAME: 'Someone',
  GIT_COMMITTER_EMAIL: 'someone@example.com',
  GIT_COMMITTER_DATE: '2026-01-02T03:04:05Z',
};

/** Plain git, as a person would run it. Resolves with its trimmed stdout. */
export async function plainGit(folder: string, ...args: string[]): Promise<string> {
  const { stdout } = await run('git', args, { cwd: folder, env: environment, maxBuffer: 1 << 28 });
  return stdout.trim();
}

/** The same, byte for byte. */
export async function plainGitBytes(folder: string, ...args: string[]): Promise<Buffer> {
  const { stdout } = await run('git', args, { cwd: folder, env: environment, maxBuffer: 1 << 28, encoding: 'buffer' });
  return stdout;
}

export async function writeFiles(folder: string, files: Readonly<Record<string, FileSpec>>): Promise<void> {
  for (const [path, spec] of Object.entries(files)) {
    const file = join(folder, path);
    await mkdir(dirname(file), { recursive: true });
    if (typeof spec === 'string' || spec instanceof Uint8Array) await writeFile(file, spec);
    else if ('link' in spec) await symlink(spec.link, file);
    else {
      await writeFile(file, spec.content);
      await chmod(file, spec.mode);
    }
  }
}

/** Writes files, adds everything byte for byte whatever its attributes say, commits. Resolves with the commit. */
export async function commitFiles(
  folder: string,
  files: Readonly<Record<string, FileSpec>>,
  message = 'change',
): Promise<string> {
  await writeFiles(folder, files);
  await plainGit(folder, 'add', '--all', '--force');
  await plainGit(folder, 'commit', '--quiet', '--allow-empty', '-m', message);
  return plainGit(folder, 'rev-parse', 'HEAD');
}

/** A repository with one commit on `main`. */
export async function createRepository(
  files: Readonly<Record<string, FileSpec>> = { 'readme.md': 'hello\n' },
): Promise<string> {
  const folder = await temporaryFolder();
  await plainGit(folder, 'init', '--quiet', '--initial-branch=main');
  await writeFile(join(folder, '.git', 'info', 'attributes'), '* -text !eol -ident !filter !working-tree-encoding\n');
  await commitFiles(folder, files, 'base');
  return folder;
}

export interface Workbench {
  readonly folder: string;
  readonly artifacts: ArtifactStore;
  readonly source: Source;
  readonly repositories: BaseRepositories;
}

/** Artifacts, source and base repositories in a folder of their own. */
export async function createWorkbench(): Promise<Workbench> {
  const folder = await temporaryFolder();
  const artifacts = openArtifactDirectory(join(folder, 'artifacts'));
  return {
    folder,
    artifacts,
    source: createSource({ directory: join(folder, 'source'), artifacts }),
    repositories: createBaseRepositories(join(folder, 'bases'), artifacts),
  };
}

/** The trusted repository of a repository's HEAD. */
export async function openBase(
  repository: string,
  ref = 'HEAD',
): Promise<{ readonly base: Base; readonly trusted: TrustedRepository; readonly workbench: Workbench }> {
  const workbench = await createWorkbench();
  const base = await workbench.source.resolveBase({ repository, ref });
  return { base, trusted: await workbench.repositories.open(base), workbench };
}

/** A fresh checkout of the base, owned by this process. */
export async function checkOut(trusted: TrustedRepository, diff: Uint8Array | null = null): Promise<string> {
  const folder = await temporaryFolder();
  await trusted.checkout(folder, { diff, uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
  return folder;
}

export const makeFifo = (path: string): Promise<unknown> => run('mkfifo', [path]);
