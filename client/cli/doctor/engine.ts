/** The container engine: which one, how it isolates, and whether the sandbox image is there. */
import { join } from 'node:path';
import { z } from 'zod';
import type { Config } from '../../../temporal/config.ts';
import { exists, fail, install, missingOf, ok, warn } from './check.ts';
import type { Check, Packages, Result } from './check.ts';
import { askEngine, enginePlaces, isSocket } from './engine-call.ts';

const infoSchema = z.object({
  ServerVersion: z.string(),
  SecurityOptions: z
    .array(z.string())
    .nullish()
    .transform((options) => options ?? []),
  CgroupVersion: z.string().default('unknown'),
  CgroupDriver: z.string().default('unknown'),
  MemoryLimit: z.boolean().default(true),
  PidsLimit: z.boolean().default(true),
});
const versionSchema = z.object({ Components: z.array(z.object({ Name: z.string() })).nullish() });

interface Engine {
  readonly host: string;
  readonly kind: 'Docker' | 'Podman';
  readonly info: z.infer<typeof infoSchema>;
}

/** Asked once for all the looks of a run. */
const found = new WeakMap<Config, Promise<Engine | null>>();

function findEngine(config: Config): Promise<Engine | null> {
  const looking = found.get(config) ?? lookForEngine(config);
  found.set(config, looking);
  return looking;
}

async function lookForEngine(config: Config): Promise<Engine | null> {
  for (const host of await enginePlaces(config)) {
    try {
      const info = infoSchema.parse((await askEngine(host, '/info')).body);
      const { Components } = versionSchema.parse((await askEngine(host, '/version')).body);
      const podman = Components?.some(({ Name }) => Name.startsWith('Podman')) === true;
      return { host, kind: podman ? 'Podman' : 'Docker', info };
    } catch {
      // Nothing there, or nothing that speaks Docker's API: the next place.
    }
  }
  return null;
}

const withEngine = (name: string, look: (engine: Engine, config: Config) => Promise<Result> | Result): Check => ({
  name,
  async look(config) {
    const engine = await findEngine(config);
    return engine === null ? warn('nobody to ask', 'See `engine`') : look(engine, config);
  },
});

const has = ({ info }: Engine, option: string): boolean =>
  info.SecurityOptions.some((each) => each.includes(`name=${option}`));

/** What scripts/engine.sh installs. */
export const podmanPackages: Packages = {
  debian: 'podman runc uidmap tini e2fsprogs iptables',
  fedora: 'podman runc shadow-utils tini-static e2fsprogs iptables',
};

/** Podman as `aas up` starts it: scripts/engine.sh says what each part is for. */
export async function ownPodman(isThere = exists): Promise<Result> {
  const missing = await missingOf(['podman', 'runc', 'mkfs.ext4', '/usr/bin/tini-static'], isThere);
  if (missing.length === 0) return ok('Podman is installed; `aas up` starts it as a service');
  return fail(
    missing.includes('podman') ? 'none' : `Podman is installed and not complete: ${missing.join(', ')} missing`,
    `${await install(podmanPackages, isThere)}   (or start Docker)`,
  );
}

export const engineChecks: Check[] = [
  {
    name: 'engine',
    async look(config) {
      const engine = await findEngine(config);
      if (engine !== null) {
        const rootless = has(engine, 'rootless') ? ', rootless' : '';
        return ok(`${engine.kind} ${engine.info.ServerVersion}${rootless} at ${engine.host}`);
      }
      const { host } = config.container;
      if (host !== undefined && !isSocket(host)) {
        return fail(
          `${host} is not on this machine, where worktrees are`,
          'Set AAS_CONTAINER_HOST=unix:///path/to/its.sock, or unset AAS_CONTAINER_HOST and DOCKER_HOST',
        );
      }
      if (host !== undefined) {
        return fail(`none answers at ${host}`, 'Start it, or unset AAS_CONTAINER_HOST and DOCKER_HOST');
      }
      return ownPodman();
    },
  },
  withEngine('cgroups', ({ info }) => {
    const version = `version ${info.CgroupVersion}, ${info.CgroupDriver}`;
    const lacking = [...(info.MemoryLimit ? [] : ['memory']), ...(info.PidsLimit ? [] : ['pids'])];
    if (lacking.length === 0) return ok(version);
    return fail(
      `${version}; cannot limit ${lacking.join(' and ')}`,
      'Run the engine as root, or delegate these controllers to your user (systemd: Delegate=yes)',
    );
  }),
  withEngine('seccomp', (engine) =>
    has(engine, 'seccomp')
      ? ok('on')
      : fail('off: containers could use every system call', 'Use an engine and a kernel with seccomp'),
  ),
  withEngine('user namespaces', (engine) =>
    has(engine, 'rootless') || has(engine, 'userns')
      ? ok('root in a container is nobody on the host')
      : warn(
          'root in a container would be root on the host; sandboxes run as another user',
          'For a second wall: a rootless engine, or Docker with "userns-remap"',
        ),
  ),
  withEngine('sandbox image', async ({ host }, config) => {
    const { image } = config.container;
    if ((await askEngine(host, `/images/${encodeURIComponent(image)}/json`)).status === 200) return ok(image);
    const built = await exists(join(config.root, '.tools', 'sandbox', 'aas-sandbox.tar'));
    return built
      ? warn(`${image} is built, not in the engine yet`, '`aas up` brings it there')
      : fail(`${image} is not there`, 'make setup');
  }),
];
