/**
 * `make bench`: the figures of a run, printed as a table and written to `.aas/bench.json`.
 *
 * usage: node test/bench/main.ts [--quick] [--cold] [--engine docker|podman] [section ...]
 */
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect, parseArgs } from 'node:util';
import { withExample } from '../helpers/example.ts';
import { root } from './bench.ts';
import type { Bench, Section } from './bench.ts';
import { borrowEngine } from './engine.ts';
import type { BenchEngine, EngineKind } from './engine.ts';
import { kills } from './kills.ts';
import type { Measurement } from './measurement.ts';
import { noopSessions } from './noop-sessions.ts';
import { realSessions } from './real-sessions.ts';
import { setup, setupCold } from './setup.ts';
import { table } from './table.ts';
import { waiting } from './waiting.ts';
import { workerReady } from './worker-ready.ts';

const sections: Readonly<Record<string, Section>> = {
  real: realSessions,
  noop: noopSessions,
  waiting,
  ready: workerReady,
  kills,
  setup,
};

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    quick: { type: 'boolean', default: false },
    cold: { type: 'boolean', default: false },
    engine: { type: 'string' },
  },
});

function chosen(): Section[] {
  const unknown = positionals.filter((name) => !(name in sections));
  const known = Object.keys(sections).join(', ');
  if (unknown.length > 0) throw new Error(`There is no section ${unknown.join(', ')}: choose from ${known}`);
  if (values.engine !== undefined && !isEngineKind(values.engine)) throw new Error('--engine takes docker or podman');
  const named = Object.entries(sections).filter(([name]) => positionals.length === 0 || positionals.includes(name));
  return [...named.map(([, measure]) => measure), ...(values.cold ? [setupCold] : [])];
}

const isEngineKind = (text: string | undefined): text is EngineKind => text === 'docker' || text === 'podman';

const startedAt = performance.now();
const say = (line: string): void => {
  const seconds = ((performance.now() - startedAt) / 1000).toFixed(0);
  process.stderr.write(`[${seconds.padStart(4)} s] ${line}\n`);
};

const measurements: Measurement[] = [];

/** What a section borrowed is given back when it ends, or with `ending`, whichever is first: both wait until it is done. */
async function measure(bench: Bench, ending: AsyncDisposableStack): Promise<void> {
  for (const section of chosen()) {
    const borrowed = new AsyncDisposableStack();
    let given: Promise<void> | undefined;
    const giveBack = () => (given ??= borrowed.disposeAsync());
    ending.defer(giveBack);
    try {
      measurements.push(...(await section(bench, borrowed)));
    } finally {
      await giveBack();
    }
  }
}

async function report(): Promise<void> {
  if (measurements.length === 0) return;
  process.stdout.write(`${table(measurements).join('\n')}\n`);
  const file = join(root, '.aas', 'bench.json');
  await mkdir(join(root, '.aas'), { recursive: true, mode: 0o700 });
  await writeFile(file, `${JSON.stringify(measurements, null, 1)}\n`);
  say(`written to ${file}`);
}

async function main(): Promise<void> {
  const interrupted = new Promise<never>((_, reject) => {
    // Not once: a second Ctrl-C must not end us before everything is given back.
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => reject(new Error(signal)));
  });
  const sectionsEnd = new AsyncDisposableStack();
  const engineEnd = new AsyncDisposableStack();
  let engine: Promise<BenchEngine> | undefined;
  try {
    await withExample(async (repository) => {
      const bench: Bench = {
        repository,
        say,
        engine: () => (engine ??= borrowEngine(engineEnd, isEngineKind(values.engine) ? values.engine : undefined)),
        samples: (count) => (values.quick ? Math.ceil(count / 5) : count),
      };
      await Promise.race([measure(bench, sectionsEnd), interrupted]);
    });
  } finally {
    // What was measured before something failed took its minutes, too.
    await report();
    say('giving everything back');
    // Stacks before the engine that their containers run on.
    await sectionsEnd.disposeAsync().finally(() => engineEnd.disposeAsync());
  }
}

await main().then(
  () => process.exit(0),
  (error: unknown) => {
    // With its causes: what a step of a workflow said is several of them deep.
    process.stderr.write(`error: ${inspect(error)}\n`);
    process.exit(1);
  },
);
