/** Commands that are another of our mains: started with the same Node, and answered with its exit code. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { environmentAt } from '../../../temporal/config.ts';
import { command } from '../command.ts';
import type { Command } from '../command.ts';
import type { Context } from '../context.ts';
import { exitCodes } from '../exit.ts';
import type { ExitCode } from '../exit.ts';
import { runningStack } from '../running-stack.ts';
import { pathOf, session } from './session.ts';

const up = command({
  name: 'up',
  summary: 'Start the stack on this machine',
  options: { detach: { type: 'boolean', summary: 'Answer when it is ready, and leave it running' } },
  examples: ['aas up --detach'],
  run: (context, { options }) => stack(context, 'up', ...(options.detach ? ['--detach'] : [])),
});

const down = command({
  name: 'down',
  summary: 'Stop the stack; sessions go on where they were when it is started again',
  examples: ['aas down'],
  run: (context) => stack(context, 'down'),
});

const status = command({
  name: 'status',
  summary: 'What runs, and where it listens',
  examples: ['aas status --json'],
  run: (context) => stack(context, 'status'),
});

const worker = command({
  name: 'worker',
  summary: 'Run one worker process in the foreground, as CAPABILITIES says',
  description:
    'It joins the stack that runs on this machine, unless AAS_TEMPORAL_ADDRESS or AAS_CONTAINER_HOST name others.',
  examples: ['CAPABILITIES=sandbox HOST_ID=rack7 aas worker'],
  async run(context) {
    const places = await runningStack(context.config);
    return run(context, 'workers/main.ts', [], places === null ? {} : { env: environmentAt(places) });
  },
});

const replay = command({
  name: 'replay',
  summary: "Run a session's history against today's workflow code",
  description:
    'Fails when the code would now do something else than it did then: sessions that are running would break.',
  arguments: [session],
  examples: ['aas replay s-01kb9m2x7q4w8zr5'],
  async run(context, { args: [id] }) {
    const history = await context.api.bytes(`${pathOf(id)}/history`);
    const folder = await mkdtemp(join(tmpdir(), 'aas-replay-'));
    try {
      const file = join(folder, 'history.json');
      await writeFile(file, history, { mode: 0o600 });
      const code = await run(context, 'workers/replay.ts', [file], { quiet: context.output.json });
      if (context.output.json) context.output.document({ session: id, replayed: code === exitCodes.ok });
      return code;
    } finally {
      await rm(folder, { recursive: true });
    }
  },
});

const stack = (context: Context, ...args: readonly string[]): Promise<ExitCode> =>
  run(context, 'workers/stack.ts', [...args, ...(context.output.json ? ['--json'] : [])]);

interface RunOptions {
  /** Sends its standard output to standard error: ours is not its to fill. */
  readonly quiet?: boolean;
  /** In place of our own environment. */
  readonly env?: NodeJS.ProcessEnv;
}

/** Resolves with its exit code. Ctrl-C reaches both of us from the terminal, and the child decides what it means. */
async function run(
  { config }: Context,
  main: string,
  args: readonly string[],
  { quiet = false, env }: RunOptions = {},
): Promise<ExitCode> {
  const child = spawn(process.execPath, [join(config.root, main), ...args], {
    env,
    stdio: ['inherit', quiet ? 2 : 'inherit', 'inherit'],
  });
  const pass = () => void child.kill('SIGTERM');
  process.on('SIGTERM', pass);
  // Ours would end us before the child has cleaned up.
  const wait = () => undefined;
  process.on('SIGINT', wait);
  try {
    const [code] = (await once(child, 'exit')) as [number | null];
    return code === 0 ? exitCodes.ok : code === 2 ? exitCodes.usage : exitCodes.failed;
  } finally {
    process.off('SIGTERM', pass);
    process.off('SIGINT', wait);
  }
}

export const processCommands: Command[] = [up, down, status, worker, replay];
