/** Where Docker and Podman differ: here and nowhere else. */
import { readFile } from 'node:fs/promises';
import { fileURLToPath } from 'node:url';
import { maskedPaths } from './hardened-options.ts';
import type { Dialect } from './hardened-options.ts';

const seccompFile = fileURLToPath(new URL('../../../deploy/sandbox/seccomp.json', import.meta.url));

const common = 'rw,noexec,nosuid,nodev';

/** Docker takes the seccomp profile's text, and all tmpfs options. */
export async function dockerDialect(): Promise<Dialect> {
  const profile: unknown = JSON.parse(await readFile(seccompFile, 'utf8'));
  return {
    securityOptions: [`seccomp=${JSON.stringify(profile)}`],
    tmpfs: ({ uid, gid }) => ({
      '/tmp': `${common},size=64m,nr_inodes=8192,mode=1777`,
      '/home/agent': `${common},size=16m,nr_inodes=2048,mode=0700,uid=${uid},gid=${gid}`,
    }),
  };
}

/**
 * Podman takes the profile's path on its host, masks by security option, and knows no inode limit or owner of a tmpfs
 * (`U` gives it to the container's user). A read-only root gives it size-less, executable tmpfs at /run and /var/tmp:
 * declaring both takes them back.
 */
export function podmanDialect(): Dialect {
  return {
    securityOptions: [`seccomp=${seccompFile}`, `mask=${maskedPaths.join(':')}`],
    tmpfs: () => ({
      '/tmp': `${common},size=64m,U`,
      '/home/agent': `${common},size=16m,U`,
      '/run': `${common},size=1m`,
      '/var/tmp': `${common},size=1m`,
    }),
  };
}
