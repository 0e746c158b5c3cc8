/** What must stay secret, and the records. */
import { constants } from 'node:fs';
import { access } from 'node:fs/promises';
import { join } from 'node:path';
import { roles } from '../../../artifacts/keys.ts';
import { exists, fail, modeOf, ok, warn } from './check.ts';
import type { Check, Result } from './check.ts';

const open = 0o077;
const made = 'made by the first `aas up`';

/** A file that nobody but its owner may read. */
const secret = (mode: number | null, path: string, missing: Result): Result => {
  if (mode === null) return missing;
  return (mode & open) === 0 ? ok(path) : fail(`${path} can be read by others`, `chmod 600 ${path}`);
};

export const secretChecks: Check[] = [
  {
    name: 'token',
    look: async ({ paths }) => secret(await modeOf(paths.token), paths.token, ok(made)),
  },
  {
    name: 'keys',
    async look({ paths }) {
      const files = roles.map((role) => join(paths.keys, role, 'key.pem'));
      const modes = await Promise.all(files.map(modeOf));
      if (modes.every((mode) => mode === null)) return ok(made);
      const bad = files.filter((_, place) => ((modes[place] ?? 0) & open) !== 0);
      return bad.length === 0
        ? ok(paths.keys)
        : fail(`can be read by others: ${bad.join(', ')}`, `chmod 600 ${bad.join(' ')}`);
    },
  },
  {
    name: '.env.local',
    async look({ root }) {
      const path = join(root, '.env.local');
      return secret(await modeOf(path), path, ok('none'));
    },
  },
  {
    name: 'store',
    async look({ paths, home }) {
      const path = (await exists(paths.store)) ? paths.store : home;
      const writable = await access(path, constants.W_OK).then(
        () => true,
        () => false,
      );
      if (!writable) return fail(`${path} cannot be written`, `sudo chown -R "$USER" ${home}`);
      return (await exists(paths.store)) ? ok(paths.store) : warn(`none yet at ${paths.store}`, 'aas up --detach');
    },
  },
];
