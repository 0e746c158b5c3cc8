/**
 * Both container engines for a run, each of its own and none of the host's. Their images stay in `.tools/engines`, so that
 * importing the sandbox image costs its seconds once; their processes end with the run, and the run fails if anything
 * that it made is left.
 */
import { execFileSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { TestProject } from 'vitest/node';
import { connectEngine } from '../../activities/ports/engine/discover.ts';
import { startDockerService, startPodmanService } from '../../activities/ports/engine/service.ts';
import type { EngineService } from '../../activities/ports/engine/service.ts';
import { labels } from '../../activities/ports/sandbox/labels.ts';
import { ensureSandboxImage } from '../../workers/stack/sandbox-image.ts';
import { mountsUnder } from './processes.ts';

export interface TestEngine {
  readonly kind: 'docker' | 'podman';
  /** `unix:///path` */
  readonly host: string;
}

declare module 'vitest' {
  interface ProvidedContext {
    readonly engines: readonly TestEngine[];
  }
}

const tools = fileURLToPath(new URL('../../.tools/', import.meta.url));
const roots = join(tools, 'engines');
const image = join(tools, 'sandbox', 'aas-sandbox.tar');

const services = {
  docker: { program: 'dockerd', start: startDockerService },
  podman: { program: 'podman', start: startPodmanService },
} as const;

export async function setup(project: TestProject): Promise<() => Promise<void>> {
  const kinds = (['docker', 'podman'] as const).filter((kind) => isInstalled(services[kind].program));
  if (kinds.length === 0) throw new Error('These tests need Docker or Podman: run `make setup`');
  if (!existsSync(image)) throw new Error(`These tests need the sandbox image ${image}: run \`make setup\``);
  const unlock = await lockRoots();
  const sockets = mkdtempSync(join(tmpdir(), 'aas-engines-'));
  const running: { readonly engine: TestEngine; readonly service: EngineService }[] = [];

  const stop = async () => {
    const leaks = (await Promise.all(running.map(({ engine }) => containersLeft(engine)))).flat();
    await Promise.all(running.map(({ service }) => service.stop()));
    leaks.push(...mountsUnder(tmpdir()).map((point) => `mount ${point}`), ...loopFilesLeft(), ...processesLeft());
    rmSync(sockets, { recursive: true });
    unlock();
    if (leaks.length > 0) throw new Error(`The tests left something behind:\n  ${leaks.join('\n  ')}`);
  };

  try {
    await Promise.all(
      kinds.map(async (kind) => {
        const place = {
          root: join(roots, kind),
          socket: join(sockets, `${kind}.sock`),
          log: join(roots, `${kind}.log`),
        };
        const service = await services[kind].start(place);
        const engine = { kind, host: `unix://${service.socket}` };
        running.push({ engine, service });
        await ensureSandboxImage(engine.host, image);
      }),
    );
  } catch (error) {
    await stop();
    throw error;
  }
  project.provide(
    'engines',
    running.map(({ engine }) => engine).sort((a, b) => a.kind.localeCompare(b.kind)),
  );
  return stop;
}

function isInstalled(program: string): boolean {
  try {
    execFileSync('which', [program], { stdio: 'ignore' });
    return true;
  } catch {
    return false;
  }
}

/** Two engines on one directory destroy it: runs take turns. */
async function lockRoots(): Promise<() => void> {
  const lock = join(roots, 'lock');
  mkdirSync(roots, { recursive: true });
  for (;;) {
    try {
      writeFileSync(lock, String(process.pid), { flag: 'wx' });
      return () => rmSync(lock);
    } catch {
      const owner = existsSync(lock) ? readFileSync(lock, 'utf8') : '';
      if (owner !== '' && !existsSync(`/proc/${owner}`)) rmSync(lock, { force: true });
      else await delay(500);
    }
  }
}

async function containersLeft({ kind, host }: TestEngine): Promise<string[]> {
  const engine = await connectEngine({ host });
  const left = await engine.list(labels.session);
  await Promise.all(left.map(({ name }) => engine.remove(name)));
  return left.map(({ name }) => `${kind} container ${name}`);
}

/** Files of this run that a loop device still holds, mounted or not. */
function loopFilesLeft(): string[] {
  return readdirSync('/sys/block')
    .filter((name) => name.startsWith('loop'))
    .map((name) => read(`/sys/block/${name}/loop/backing_file`).trim())
    .filter((file) => file.startsWith(`${tmpdir()}/`))
    .map((file) => `loop device on ${file}`);
}

/** Engines detach what attends a container, so it inherits nothing by which to know it but its command line. */
function processesLeft(): string[] {
  const ours = new RegExp(`${roots}/(${Object.keys(services).join('|')})/`);
  return readdirSync('/proc')
    .filter((pid) => /^\d+$/.test(pid) && ours.test(read(`/proc/${pid}/cmdline`)))
    .map((pid) => `process ${pid} ${read(`/proc/${pid}/cmdline`).replaceAll('\0', ' ')}`);
}

function read(path: string): string {
  try {
    return readFileSync(path, 'latin1');
  } catch {
    return '';
  }
}
