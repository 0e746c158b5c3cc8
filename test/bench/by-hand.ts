/**
 * The bare minimum by hand: clone, run a container over it, diff; clone again, apply, run the checks in a second one. Its
 * containers have the limits of ours, by the engine's own command line.
 */
import { execFile } from 'node:child_process';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Limits } from '../../temporal/contract/policy.ts';
import { root } from './bench.ts';
import type { BenchEngine } from './engine.ts';
import { checkArgv, fixArgv } from './example-job.ts';

const run = promisify(execFile);
const user = 10_001;

/** Does it once; resolves with its milliseconds. Rejects unless the change makes the checks pass. */
export async function byHand(engine: BenchEngine, limits: Limits, repository: string): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'aas-by-hand-'));
  try {
    await chmod(folder, 0o755);
    const [work, proof, patch] = [join(folder, 'work'), join(folder, 'proof'), join(folder, 'patch')];
    const began = performance.now();
    await git('clone', '--quiet', repository, work);
    await run('chown', ['--recursive', `${user}:${user}`, work]);
    await container(engine, limits, work, fixArgv);
    await writeFile(patch, await git('-C', work, 'diff', '--binary'));
    await git('clone', '--quiet', repository, proof);
    await git('-C', proof, 'apply', patch);
    await run('chown', ['--recursive', `${user}:${user}`, proof]);
    await container(engine, limits, proof, checkArgv);
    return performance.now() - began;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function git(...args: string[]): Promise<string> {
  // The agent's user owns the clone, and git reads nothing of others unless told that it may.
  const { stdout } = await run('git', ['-c', 'safe.directory=*', ...args]);
  return stdout;
}

async function container({ kind, host }: BenchEngine, limits: Limits, tree: string, argv: string[]): Promise<void> {
  const client = kind === 'docker' ? ['--host', host] : ['--remote', '--url', host];
  const { memoryBytes, cpus, pids } = limits;
  const options = [
    ...['--rm', '--init', '--network', 'none', '--ipc', 'private', '--cgroupns', 'private', '--log-driver', 'none'],
    ...['--read-only', '--cap-drop', 'ALL', '--security-opt', 'no-new-privileges'],
    ...['--security-opt', `seccomp=${join(root, 'deploy', 'sandbox', 'seccomp.json')}`],
    ...['--memory', String(memoryBytes), '--memory-swap', String(memoryBytes), '--cpus', String(cpus)],
    ...[
      '--pids-limit',
      String(pids),
      '--ulimit',
      'nofile=1024',
      '--ulimit',
      'core=0',
      '--ulimit',
      'nproc=16384',
      '--shm-size',
      '16m',
    ],
    ...['--tmpfs', '/tmp:rw,noexec,nosuid,nodev,size=64m', '--tmpfs', '/home/agent:rw,noexec,nosuid,nodev,size=16m'],
    ...['--user', `${user}:${user}`, '--env', 'HOME=/home/agent', '--volume', `${tree}:/workspace`],
    ...['--workdir', '/workspace', '--entrypoint', ''],
  ];
  const [command = '', ...rest] = argv;
  await run(kind, [...client, 'run', ...options, loadedImage, command, ...rest]);
}

const loadedImage = 'aas-sandbox:1';
