/**
 * A worker's half of a run as a process of its own, to be killed: attends the run that its argument describes and tells its
 * parent `released` (output began), `collecting` and the outcome.
 */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { z } from 'zod';
import { connectEngine } from '../../../activities/ports/engine/discover.ts';
import { createSandbox } from '../../../activities/ports/sandbox/sandbox.ts';
import type { SandboxLimits, SandboxTask } from '../../../activities/ports/sandbox/task.ts';
import { openArtifactDirectory } from '../../../artifacts/directory-artifact-store.ts';
import { openLogDirectory } from '../../../artifacts/directory-log-store.ts';

export interface Attendance {
  readonly host: string;
  readonly root: string;
  readonly directory: string;
  readonly task: Pick<SandboxTask<unknown>, 'name' | 'session' | 'stream' | 'image' | 'argv' | 'timeoutMs'> & {
    readonly limits: SandboxLimits;
  };
  /** Never get over the collecting, to be killed there. */
  readonly hangInCollect: boolean;
}

const { host, root, directory, task, hangInCollect } = JSON.parse(process.argv[2] ?? '') as Attendance;
const say = (message: unknown) => process.send?.(message);

const sandbox = createSandbox({
  engine: await connectEngine({ host }),
  directory,
  instance: root,
  hostId: 'test',
  artifacts: openArtifactDirectory(join(root, 'artifacts')),
  logs: openLogDirectory(join(root, 'logs')),
  leaseMs: 60_000,
  slots: 1,
});
say('attending');
let printed = false;
const outcome = await sandbox.run(
  {
    ...task,
    environment: {},
    fill: () => Promise.resolve(),
    collect: async (tree) => {
      say('collecting');
      if (hangInCollect) await new Promise(() => setInterval(() => {}, 1000));
      return readFile(join(tree.directory, 'made'), 'utf8');
    },
    collected: z.string().nullable(),
  },
  {
    signal: new AbortController().signal,
    onProgress: ({ outputBytes }) => {
      if (outputBytes > 0 && !printed) say('printed');
      printed ||= outputBytes > 0;
    },
  },
);
await sandbox.close();
say(outcome);
process.disconnect();
