/** One look at one thing that the stack needs. */
import { access, stat } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { Config } from '../../../temporal/config.ts';

export interface Result {
  /** `fail`: the stack does not work without it. `warn`: it works, weaker or later. */
  readonly status: 'ok' | 'warn' | 'fail';
  readonly found: string;
  /** What to do, with the exact command; null when all is well. */
  readonly fix: string | null;
}

export interface Check {
  readonly name: string;
  readonly look: (config: Config) => Promise<Result>;
}

export const ok = (found: string): Result => ({ status: 'ok', found, fix: null });
export const warn = (found: string, fix: string): Result => ({ status: 'warn', found, fix });
export const fail = (found: string, fix: string): Result => ({ status: 'fail', found, fix });

export const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The permission bits of a file, or null when there is none. */
export const modeOf = (path: string): Promise<number | null> =>
  stat(path).then(
    ({ mode }) => mode & 0o777,
    () => null,
  );

/** Packages by the names that a family of distributions has for them. */
export interface Packages {
  readonly debian: string;
  readonly fedora: string;
}

/** The command that installs packages here; both where it cannot be told. */
export async function install({ debian, fedora }: Packages, isThere = exists): Promise<string> {
  const apt = `sudo apt-get install -y ${debian}`;
  const dnf = `sudo dnf install -y ${fedora}`;
  if (await isThere('/usr/bin/apt-get')) return apt;
  return (await isThere('/usr/bin/dnf')) ? dnf : `${apt}   (Fedora: ${dnf})`;
}

const programFolders = ['/usr/local/sbin', '/usr/local/bin', '/usr/sbin', '/usr/bin', '/sbin', '/bin'];

/** Those of some programs that are in none of the folders where the stack looks, or not where their path says. */
export async function missingOf(programs: readonly string[], isThere = exists): Promise<string[]> {
  const missing = [];
  for (const program of programs) {
    const places = await Promise.all(programFolders.map((folder) => isThere(resolve(folder, program))));
    if (!places.includes(true)) missing.push(program);
  }
  return missing;
}
