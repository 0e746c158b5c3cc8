/** Real repositories with a real defect, in temporary folders. */
import { execFileSync } from 'node:child_process';
import { cp, mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../..', import.meta.url));

export const exampleGoal = 'Durations of several units must add up';
export const exampleFix = "sed -i 's/total = int/total += int/' duration.py";

export interface WorkingCopy {
  readonly path: string;
  /** Runs git there; resolves with what it printed, throws when it fails. */
  git(...args: string[]): string;
  /** Runs a program there; its exit code and everything it printed. */
  run(command: string, ...args: string[]): { code: number; output: string };
  write(path: string, text: string): Promise<void>;
  /** Commits everything and returns the commit. */
  commit(message: string): string;
  /** What `change` makes of it, as a plain diff; afterwards it is as it was. */
  diff(change: () => Promise<unknown>): Promise<string>;
}

function workingCopy(path: string): WorkingCopy {
  const identity = ['-c', 'user.name=Test', '-c', 'user.email=test@localhost'];
  const git = (...args: string[]) =>
    execFileSync('git', [...identity, ...args], { cwd: path, encoding: 'utf8', stdio: 'pipe' });
  return {
    path,
    git,
    run: (command, ...args) => {
      try {
        const output = execFileSync(command, args, { cwd: path, encoding: 'utf8', stdio: 'pipe' });
        return { code: 0, output };
      } catch (error) {
        const { status, stdout, stderr } = error as { status: number; stdout: string; stderr: string };
        return { code: status, output: `${stdout}${stderr}` };
      }
    },
    write: async (file, text) => {
      await mkdir(join(path, file, '..'), { recursive: true });
      await writeFile(join(path, file), text);
    },
    commit: (message) => {
      git('add', '--all', '--force');
      git('commit', '--quiet', '--allow-empty', '-m', message);
      return git('rev-parse', 'HEAD').trim();
    },
    diff: async (change) => {
      await change();
      git('add', '--all', '--force');
      const diff = git('diff', '--cached', '--binary', '--full-index', '--no-renames');
      git('reset', '--quiet', '--hard');
      return diff;
    },
  };
}

/** Lends a folder; it is gone when `use` ends. */
async function withFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await mkdtemp(join(tmpdir(), 'aas-repository-'));
  try {
    await use(folder);
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

/** Lends a repository that holds `examples/duration`, on branch main. */
export async function withExample(use: (repository: WorkingCopy) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    await cp(join(root, 'examples', 'duration'), folder, { recursive: true });
    const repository = workingCopy(folder);
    repository.git('init', '--quiet', '--initial-branch=main');
    repository.commit('A library for durations');
    await use(repository);
  });
}

/** Lends a repository made of the published source package that set-up fetched (.tools/packages), and what `add` adds. */
export async function withPackage(
  file: string,
  add: Record<string, string>,
  use: (repository: WorkingCopy) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    execFileSync('tar', ['-xzf', join(root, '.tools', 'packages', file), '--strip-components=1', '-C', folder]);
    const repository = workingCopy(folder);
    for (const [path, text] of Object.entries(add)) await repository.write(path, text);
    repository.git('init', '--quiet', '--initial-branch=main');
    repository.commit('The package as published');
    await use(repository);
  });
}

/** Lends a fresh clone with the patch applied by plain `git am`. */
export async function withPatched(
  repository: WorkingCopy,
  patch: string,
  use: (clone: WorkingCopy) => Promise<void>,
): Promise<void> {
  await withFolder(async (folder) => {
    const clone = workingCopy(join(folder, 'clone'));
    await mkdir(clone.path);
    clone.git('clone', '--quiet', repository.path, '.');
    await writeFile(join(folder, 'candidate.patch'), patch);
    clone.git('am', '--quiet', join(folder, 'candidate.patch'));
    await use(clone);
  });
}
