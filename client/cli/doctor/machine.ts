/** The machine itself: disk, and what worktrees of a hard size need. */
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { size } from '../render/words.ts';
import { exists, fail, install, missingOf, ok, warn } from './check.ts';
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
      // What `weaknesses` of activities/ports/sandbox/worktree.ts says, which this room may not ask.
      if (process.getuid?.() !== 0)
        return warn(
          'worktrees have no size and inode limit and sandboxes share your user number: mounting needs root',
          'Where that is too weak: sudo bin/aas up --detach',
        );
      if ((await missingOf(['mkfs.ext4'])).length > 0) {
        return fail('mkfs.ext4 is not there', await install({ debian: 'e2fsprogs', fedora: 'e2fsprogs' }));
      }
      const control = await access('/dev/loop-control', constants.R_OK | constants.W_OK).then(
        () => true,
        () => false,
      );
      return control ? ok('worktrees have a hard size') : fail('/dev/loop-control is not usable', 'modprobe loop');
    },
  },
];
