/** Where the `temporal` executable is. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Config } from './config.ts';

/** AAS_TEMPORAL_CLI, else what `make setup` put into `.tools`. Throws with what to do when there is none. */
export function temporalCli({ root, temporal }: Pick<Config, 'root' | 'temporal'>): string {
  const path = temporal.cli ?? join(root, '.tools', 'temporal', 'temporal');
  if (existsSync(path)) return path;
  throw new Error(
    temporal.cli === undefined
      ? 'The Temporal CLI is not set up: run `make setup`.'
      : `AAS_TEMPORAL_CLI names ${path}, which does not exist: correct or unset it, then run \`make setup\`.`,
  );
}
