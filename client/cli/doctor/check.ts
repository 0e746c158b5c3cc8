/** One look at one thing that the stack needs. */
import { access, stat } from 'node:fs/promises';
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

/** The command that installs packages here; both where it cannot be told. */
export async function install(debian: string, fedora: string): Promise<string> {
  const apt = `sudo apt-get install -y ${debian}`;
  const dnf = `sudo dnf install -y ${fedora}`;
  if (await exists('/usr/bin/apt-get')) return apt;
  return (await exists('/usr/bin/dnf')) ? dnf : `${apt}   (Fedora: ${dnf})`;
}
