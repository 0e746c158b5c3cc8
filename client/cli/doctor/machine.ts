/** The machine itself: disk, and what worktrees of a hard size need. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { size } from '../render/words.ts';
import { exists, fail, install, ok, warn } from './check.ts';
import type { Check } from './check.ts';

const GiB = 1024 ** 3;

export const machineChecks: Check[] = [
  {
    name: 'disk',
    async look({ home }) {
      // Before the first start the folder is not there; its disk is that of the nearest one that is.
      let folder = home;
      while (!(await exists(folder))) folder = dirname(folder);
      const { bavail, bsize } = await statfs(folder);
      const free = bavail * bsize;
      const found = `${size(free)} free at ${home}`;
      if (free < GiB) return fail(found, 'Free some space there, or set AAS_HOME to a larger disk');
      return free < 5 * GiB ? warn(found, 'A worktree may grow to 2 GiB: free some space') : ok(found);
    },
  },
  {
    name: 'loop mounts',
    async look() {
      if (!(await exists('/sbin/mkfs.ext4')) && !(await exists('/usr/sbin/mkfs.ext4'))) {
        return fail('mkfs.ext4 is not there', await install('e2fsprogs', 'e2fsprogs'));
      }
      if (process.getuid?.() !== 0)
        return warn('this user cannot mount: the hands worker needs root', 'sudo bin/aas up --detach');
      const control = await access('/dev/loop-control', constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      );
      return control ? ok('worktrees have a hard size') : fail('/dev/loop-control is not usable', 'modprobe loop');
    },
  },
];
