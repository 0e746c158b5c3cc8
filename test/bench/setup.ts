/** Set-up: again on a machine that has everything, and (only when asked for: it takes minutes) from nothing. */
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { root } from './bench.ts';
import type { Bench } from './bench.ts';
import { measured } from './measurement.ts';
import type { Measurement } from './measurement.ts';

const warmRuns = 5;

export async function setup(bench: Bench): Promise<Measurement[]> {
  bench.say('make setup, again');
  await command(['make', 'setup'], root);
  const seconds: number[] = [];
  for (let run = 0; run < Math.max(2, bench.samples(warmRuns)); run++)
    seconds.push(await command(['make', 'setup'], root));
  return [measured('setup.warm', 's', seconds)];
}

/** A clone of what is committed, with an empty HOME. */
export async function setupCold(bench: Bench, borrowed: AsyncDisposableStack): Promise<Measurement[]> {
  bench.say('make setup in a fresh clone');
  const home = await mkdtemp(join(tmpdir(), 'aas-bench-'));
  borrowed.defer(() => rm(home, { recursive: true, force: true }));
  const clone = join(home, 'clone');
  await command(['git', 'clone', '--quiet', root, clone], home);
  return [measured('setup.cold', 's', [await command(['make', 'setup'], clone, { HOME: home })])];
}

/** Runs a command and resolves with its seconds. Rejects with what it said when it fails. */
async function command(argv: string[], cwd: string, env: NodeJS.ProcessEnv = {}): Promise<number> {
  const [program = '', ...rest] = argv;
  const began = performance.now();
  const child = spawn(program, rest, { cwd, env: { ...process.env, ...env }, stdio: ['ignore', 'pipe', 'pipe'] });
  let said = '';
  for (const stream of [child.stdout, child.stderr])
    stream.setEncoding('utf8').on('data', (text: string) => (said += text));
  const [code] = (await once(child, 'close')) as [number | null];
  if (code !== 0) throw new Error(`${argv.join(' ')} ended with ${code}:\n${said}`);
  return (performance.now() - began) / 1000;
}
