/**
 * Engines of our own: a Podman service for machines where none runs, and a Docker daemon beside it for the tests.
 *
 * Every directory is the caller's, nothing of the host's default engine is read or written, no network is set up
 * (sandboxes have none), and no secret of this process reaches them: their environment is spelled out here.
 */
import { execFile, spawn } from 'node:child_process';
import type { ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdir, open, readFile, rm, writeFile } from 'node:fs/promises';
import { get } from 'node:http';
import { dirname, join } from 'node:path';
import { setTimeout as delay } from 'node:timers/promises';
import { promisify } from 'node:util';

const path = '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin';
const readyWithinMs = 30_000;
const stopWithinMs = 20_000;

export interface ServicePlace {
  /** An absolute directory for everything the engine keeps; images in it survive restarts. */
  readonly root: string;
  /** Absolute path of the unix socket to listen on, at most 100 characters. */
  readonly socket: string;
  /** A file that its output is appended to. */
  readonly log: string;
}

export interface EngineService {
  readonly socket: string;
  readonly pid: number;
  /** Ends the process, and resolves when it is gone. */
  stop(): Promise<void>;
}

/** `podman system service`, ready when it answers. Rejects with the end of its log when it does not. */
export async function startPodmanService(place: ServicePlace): Promise<EngineService> {
  const runtime = join(place.root, 'run');
  await forgetLastBoot(place.root, runtime);
  await mkdir(runtime, { recursive: true });
  const configuration = join(place.root, 'containers.conf');
  await writeFile(configuration, podmanConfiguration);
  const options = [
    '--root',
    join(place.root, 'storage'),
    '--runroot',
    join(runtime, 'root'),
    '--tmpdir',
    join(runtime, 'tmp'),
  ];
  const drivers = ['--storage-driver', 'overlay', '--runtime', 'runc', '--cgroup-manager', 'cgroupfs'];
  const service = await startService(
    place,
    ['podman', ...options, ...drivers, 'system', 'service', '--time', '0', `unix://${place.socket}`],
    { CONTAINERS_CONF: configuration },
  );
  return {
    ...service,
    stop: async () => {
      await service.stop();
      await unmountStorage(place.root);
    },
  };
}

/**
 * Podman mounts its storage onto itself and leaves it so; nobody could then remove the root. Where a container goes on
 * running the mount is in use, and stays.
 */
async function unmountStorage(root: string): Promise<void> {
  await promisify(execFile)('umount', [join(root, 'storage', 'overlay')]).catch(() => undefined);
}

/** `dockerd` without any network, ready when it answers. Rejects with the end of its log when it does not. */
export async function startDockerService(place: ServicePlace): Promise<EngineService> {
  const exec = join(place.root, 'run');
  await forgetLastBoot(place.root, exec);
  await mkdir(exec, { recursive: true });
  const places = ['--data-root', join(place.root, 'data'), '--exec-root', exec, '--pidfile', join(exec, 'dockerd.pid')];
  const network = ['--bridge', 'none', '--iptables=false', '--ip6tables=false'];
  return startService(
    place,
    ['dockerd', ...places, ...network, '--host', `unix://${place.socket}`, '--log-level', 'warn'],
    {},
  );
}

/**
 * `crun` refuses hybrid cgroups, so runc; a dynamically linked init fails in an image without libc; the default ulimits
 * exceed what a machine without CAP_SYS_RESOURCE may set.
 */
const podmanConfiguration = `[containers]
default_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]
log_driver = "k8s-file"
[engine]
runtime = "runc"
cgroup_manager = "cgroupfs"
events_logger = "file"
init_path = "/usr/bin/tini-static"
`;

/** Engines expect their run-time state on a tmpfs: kept over a reboot, it names processes that are somebody else's now. */
async function forgetLastBoot(root: string, runtime: string): Promise<void> {
  const boot = await readFile('/proc/sys/kernel/random/boot_id', 'utf8');
  const mark = join(root, 'boot-id');
  if ((await readFile(mark, 'utf8').catch(() => '')) === boot) return;
  await rm(runtime, { recursive: true, force: true });
  await mkdir(root, { recursive: true });
  await writeFile(mark, boot);
}

async function startService(
  place: ServicePlace,
  [command = '', ...argv]: string[],
  environment: NodeJS.ProcessEnv,
): Promise<EngineService> {
  await mkdir(dirname(place.socket), { recursive: true });
  await mkdir(dirname(place.log), { recursive: true });
  await rm(place.socket, { force: true });
  const log = await open(place.log, 'a');
  const env = { PATH: path, HOME: place.root, LANG: 'C.UTF-8', ...environment };
  // A group of its own: Ctrl-C at a terminal must end containers through us, not the engine under them.
  const child = spawn(command, argv, { env, cwd: place.root, detached: true, stdio: ['ignore', log.fd, log.fd] });
  try {
    await once(child, 'spawn');
  } catch (cause) {
    throw new Error(`${command} could not be started. Is it installed? See \`aas doctor\` for the package.`, { cause });
  } finally {
    await log.close();
  }
  try {
    await answers(child, place, command);
  } catch (error) {
    await stop(child);
    throw error;
  }
  return { socket: place.socket, pid: child.pid ?? 0, stop: () => stop(child) };
}

async function answers(child: ChildProcess, place: ServicePlace, command: string): Promise<void> {
  const deadline = Date.now() + readyWithinMs;
  while (!(await ping(place.socket))) {
    const ended = child.exitCode !== null || child.signalCode !== null;
    if (ended || Date.now() > deadline) {
      const said = (await readFile(place.log, 'utf8').catch(() => '')).slice(-2000);
      const what = ended ? `ended with ${child.exitCode ?? child.signalCode}` : `gave no answer in ${readyWithinMs} ms`;
      throw new Error(`${command} ${what}. The end of ${place.log}:\n${said}`);
    }
    await delay(20);
  }
}

const ping = (socketPath: string): Promise<boolean> =>
  new Promise((resolve) => {
    get({ socketPath, path: '/_ping', timeout: 1000 }, (response) => {
      response.resume();
      resolve(response.statusCode === 200);
    })
      .on('error', () => resolve(false))
      .on('timeout', () => resolve(false));
  });

async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const gone = once(child, 'exit');
  child.kill('SIGTERM');
  const late = setTimeout(() => child.kill('SIGKILL'), stopWithinMs);
  await gone;
  clearTimeout(late);
}
