/** The whole embedded stack as a user starts it, in a home of its own, and the CLI that talks to it. */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, inject } from 'vitest';
import { connectEngine } from '../../activities/ports/engine/discover.ts';
import { labels } from '../../activities/ports/sandbox/labels.ts';
import { endedStatuses } from '../../temporal/contract/messages.ts';
import type { SessionState } from '../../temporal/contract/messages.ts';
import { freePort } from '../../temporal/free-port.ts';
import type { TestEngine } from './engine-setup.ts';

const root = fileURLToPath(new URL('../..', import.meta.url));
const aas = join(root, 'bin', 'aas');

export interface Answer {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export class Stack {
  readonly home: string;
  private readonly environment: NodeJS.ProcessEnv;

  constructor(home: string, environment: NodeJS.ProcessEnv) {
    this.home = home;
    this.environment = environment;
  }

  /** Runs a CLI command to its end, whatever its exit code. */
  aas(...args: string[]): Promise<Answer> {
    return new Promise((resolve) => {
      const options = { env: this.environment, cwd: this.home, maxBuffer: 64 * 1024 * 1024 };
      const child = execFile(aas, args, options, (_, stdout, stderr) => {
        resolve({ code: child.exitCode ?? 1, stdout, stderr });
      });
    });
  }

  /** A command that must succeed, and the JSON it prints. */
  async json<T>(...args: string[]): Promise<T> {
    const { code, stdout, stderr } = await this.aas(...args, '--json');
    if (code !== 0) throw new Error(`aas ${args.join(' ')} ended with ${code}\n${stdout}\n${stderr}`);
    return JSON.parse(stdout) as T;
  }

  async create(...args: string[]): Promise<string> {
    const { id } = await this.json<{ id: string }>('session', 'create', ...args);
    return id;
  }

  view = (id: string): Promise<SessionState> => this.json('session', 'view', id);

  /** The state at the next gate, or at the end; fails with the view when neither comes in time. */
  async wait(id: string, until: 'gate' | 'end', timeoutSeconds = 90): Promise<SessionState> {
    const { code } = await this.aas('session', 'wait', id, '--for', until, '--timeout', String(timeoutSeconds));
    const view = await this.view(id);
    if (code === 5) throw new Error(`session ${id} came to no ${until}: ${JSON.stringify(view, null, 1)}`);
    return view;
  }

  async approve(id: string): Promise<void> {
    const { gate } = await this.wait(id, 'gate');
    if (gate?.kind !== 'approval' || gate.subject === null)
      throw new Error(`nothing to approve: ${JSON.stringify(gate)}`);
    const { code, stderr } = await this.aas('approve', id, '--subject', gate.subject);
    if (code !== 0) throw new Error(`approve ended with ${code}: ${stderr}`);
  }

  /** Lends one more worker of this stack, as `bin/aas worker` starts it on another host. */
  async withWorker(settings: NodeJS.ProcessEnv, use: () => Promise<void>): Promise<void> {
    const { temporal, container } = await this.state();
    const places = { AAS_TEMPORAL_ADDRESS: temporal.address, AAS_CONTAINER_HOST: container.host };
    const worker = spawn(process.execPath, [join(root, 'workers', 'main.ts')], {
      env: { ...this.environment, ...places, ...settings },
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    });
    const ended = new Promise<void>((resolve) => worker.once('exit', () => resolve()));
    try {
      await ready(worker, ended, 'the worker');
      await use();
    } finally {
      worker.kill('SIGTERM');
      await ended;
    }
  }

  /** Nothing that dies meanwhile is started again. */
  async withoutSupervisor(use: () => Promise<void>): Promise<void> {
    const { pid } = await this.state();
    process.kill(pid, 'SIGSTOP');
    try {
      await use();
    } finally {
      process.kill(pid, 'SIGCONT');
    }
  }

  temporalAddress = async (): Promise<string> => (await this.state()).temporal.address;

  private async state() {
    return JSON.parse(await readFile(join(this.home, 'run', 'stack.json'), 'utf8')) as {
      pid: number;
      temporal: { address: string };
      container: { host: string };
      processes: { name: string; pid: number }[];
    };
  }

  /** Process id of one of the stack's processes, by its name in `aas status`. */
  async pid(name: string): Promise<number> {
    const { processes } = await this.state();
    const found = processes.find((process) => process.name === name);
    if (found === undefined) throw new Error(`no process ${name} in ${JSON.stringify(processes)}`);
    return found.pid;
  }

  async cancelAll(): Promise<void> {
    const { items } = await this.json<{ items: SessionState[] }>('session', 'list', '--limit', '200');
    for (const { id, status } of items) if (!endedStatuses.includes(status)) await this.aas('session', 'cancel', id);
  }

  /** Names of this stack's containers, running or not, as the engine knows them. */
  async containers(): Promise<string[]> {
    const engine = await connectEngine({ host: this.environment['AAS_CONTAINER_HOST'] });
    return (await engine.list(labels.instance, this.home)).map(({ name }) => name);
  }

  /** What the record says, oldest first. */
  async events(id: string): Promise<{ type: string; actor: string; data: Record<string, unknown>; time: string }[]> {
    const { stdout } = await this.aas('session', 'events', id, '--json');
    return stdout
      .split('\n')
      .filter((line) => line !== '')
      .map((line) => JSON.parse(line) as { type: string; actor: string; data: Record<string, unknown>; time: string });
  }
}

/** Resolves when a process of ours has said that it is ready. Rejects with what it printed when it ends before. */
async function ready(child: ChildProcess, ended: Promise<void>, name: string): Promise<void> {
  let log = '';
  for (const stream of [child.stdout, child.stderr])
    stream?.setEncoding('utf8').on('data', (text: string) => (log += text));
  const dead = ended.then(() => true);
  const said = once(child, 'message').then(() => false);
  if (await Promise.race([said, dead])) throw new Error(`${name} ended before it was ready:\n${log}`);
}

interface Running {
  readonly stack: Stack;
  stop(): Promise<void>;
}

/** A stack for each engine, shared by the tests of a file; everything it started or wrote is gone when they have ended. */
const running = new Map<string, Promise<Running>>();
afterAll(async () => {
  // One that did not start has failed its tests, and left nothing to stop.
  for (const each of running.values()) await each.then(({ stop }) => stop()).catch(() => undefined);
});

/** Lends a running stack on an engine; on the first one that this machine has, unless the test names another. */
export async function withStack(
  use: (stack: Stack) => Promise<void>,
  engine: TestEngine | undefined = inject('engines')[0],
): Promise<void> {
  if (engine === undefined) throw new Error('This machine has no container engine: run `make setup`');
  const started = running.get(engine.kind) ?? start(engine);
  running.set(engine.kind, started);
  const { stack } = await started;
  await use(stack);
}

async function start(engine: TestEngine): Promise<Running> {
  const home = await mkdtemp(join(tmpdir(), 'aas-e2e-'));
  const environment = {
    PATH: process.env['PATH'],
    HOME: home,
    AAS_HOME: home,
    AAS_CONTAINER_HOST: engine.host,
    AAS_API_PORT: String(await freePort()),
    AAS_HOST_LOST_AFTER_MS: '3000',
    AAS_LEASE_MS: '10000',
    AAS_SWEEP_MS: '2000',
    NO_COLOR: '1',
  };
  const up = spawn(process.execPath, [join(root, 'workers', 'stack.ts'), 'up'], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
  });
  const ended = new Promise<void>((resolve) => up.once('exit', () => resolve()));
  const end = async () => {
    up.kill('SIGTERM');
    // A test that was stopped in the middle of `withoutSupervisor` left it unable to hear that.
    up.kill('SIGCONT');
    await ended;
    await rm(home, { recursive: true, force: true });
  };
  const stack = new Stack(home, environment);
  try {
    await ready(up, ended, 'the stack');
  } catch (error) {
    await end();
    throw error;
  }
  // A test that failed may leave a session running, and its container goes on when the stack ends.
  return { stack, stop: () => stack.cancelAll().finally(end) };
}
