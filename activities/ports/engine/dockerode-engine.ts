/** `ContainerEngine` over dockerode, for Docker Engine and for Podman's Docker-compatible socket. */
import { setTimeout as delay } from 'node:timers/promises';
import Docker from 'dockerode';
import type { ContainerInspectInfo, DockerOptions } from 'dockerode';
import { dockerDialect, podmanDialect } from './dialects.ts';
import { explainEngineError, statusOf } from './engine-errors.ts';
import { hardenedOptions } from './hardened-options.ts';
import type { ContainerEngine, ContainerState } from './port.ts';

/** Longest wait for each call. An engine that hangs must look like one that is down. */
const deadlinesMs = {
  version: 3_000,
  create: 30_000,
  start: 60_000,
  inspect: 10_000,
  kill: 10_000,
  remove: 60_000,
  list: 10_000,
  image: 10_000,
};
const nameSettlesWithinMs = 10_000;
type Call = keyof typeof deadlinesMs;

/** Connects to the engine behind a unix socket. Rejects `Sandbox.Unavailable` when nothing answers there. */
export async function connectSocket(socket: string): Promise<ContainerEngine> {
  const docker = new Docker(clientOptions(socket));
  const about = await ask({ call: 'version', engine: 'engine', socket }, () => docker.version());
  const kind = about.Components?.some(({ Name }) => Name === 'Podman Engine') ? 'podman' : 'docker';
  const dialect = kind === 'podman' ? podmanDialect() : await dockerDialect();
  const say = <T>(call: Call, talk: (abortSignal: AbortSignal) => Promise<T>, image?: string): Promise<T> =>
    ask({ call, engine: kind, socket, image }, talk);

  const stateOf = async (name: string): Promise<ContainerState | null> => {
    const looking = say('inspect', (abortSignal) => docker.getContainer(name).inspect({ abortSignal }));
    const info = await unless(404, looking);
    return info === null ? null : toState(info);
  };

  return {
    kind,
    version: about.Version,
    socket,

    create: async (spec) => {
      const options = hardenedOptions(spec, dialect);
      const make = (abortSignal: AbortSignal) => docker.createContainer({ ...options, abortSignal });
      for (const until = Date.now() + nameSettlesWithinMs; ; await delay(20)) {
        try {
          await say('create', make, spec.image);
          return;
        } catch (error) {
          if (answerTo(error) !== 409 || Date.now() > until) throw error;
          // Made before; or being made for a worker that was killed meanwhile, and then it may come to nothing.
          if ((await stateOf(spec.name)) !== null) return;
        }
      }
    },

    start: async (name) => {
      const starting = say('start', (abortSignal) => docker.getContainer(name).start({ abortSignal }));
      await unless(304, starting);
    },

    state: stateOf,

    kill: async (name) => {
      // 409: it is not running. Podman says 500 for a container that ended in the same moment.
      const killing = say('kill', (abortSignal) => docker.getContainer(name).kill({ signal: 'SIGKILL', abortSignal }));
      await unless([404, 409, 500], killing);
    },

    remove: async (name) => {
      const removal = say('remove', (abortSignal) =>
        docker.getContainer(name).remove({ force: true, v: true, abortSignal }),
      );
      // 409: somebody else is removing it.
      await unless([404, 409], removal);
    },

    list: async (label, value) => {
      const filters = { label: [value === undefined ? label : `${label}=${value}`] };
      const all = await say('list', (abortSignal) => docker.listContainers({ all: true, filters, abortSignal }));
      return all.map(({ Names, Created, Labels }) => ({
        name: (Names[0] ?? '').replace(/^\//, ''),
        createdAtMs: Created * 1000,
        labels: Labels,
      }));
    },

    hasImage: async (image) => {
      const looking = say('image', () => docker.getImage(image).inspect());
      return (await unless(404, looking)) !== null;
    },
  };
}

/** docker-modem reads DOCKER_HOST and its kin by itself; whatever is named here is not taken from there. */
function clientOptions(socketPath: string): DockerOptions {
  const elsewhere = {
    host: undefined,
    port: undefined,
    ca: undefined,
    cert: undefined,
    key: undefined,
    timeout: undefined,
  };
  return { ...elsewhere, protocol: 'http', socketPath };
}

async function ask<T>(
  about: { call: Call; engine: string; socket: string; image?: string },
  talk: (abortSignal: AbortSignal) => Promise<T>,
): Promise<T> {
  const signal = AbortSignal.timeout(deadlinesMs[about.call]);
  // Not every call of dockerode takes the signal, and an engine that hangs in the middle of an answer must not hang us.
  const late = new Promise<never>((_, reject) => {
    signal.addEventListener('abort', () => reject(signal.reason as Error), { once: true });
  });
  try {
    return await Promise.race([talk(signal), late]);
  } catch (error) {
    throw explainEngineError(signal.aborted ? signal.reason : error, about);
  }
}

/** null instead of a rejection when the engine answered with one of these statuses. */
async function unless<T>(expected: number | readonly number[], answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    const status = answerTo(error);
    if (status !== null && [expected].flat().includes(status)) return null;
    throw error;
  }
}

/** The status behind one of our failures. */
const answerTo = (failure: unknown): number | null => (failure instanceof Error ? statusOf(failure.cause) : null);

function toState({ State }: ContainerInspectInfo): ContainerState {
  const finishedAtMs = Date.parse(State.FinishedAt);
  const ended = State.Status === 'exited' || State.Status === 'stopped' || State.Status === 'dead';
  return {
    phase: State.Running ? 'running' : ended ? 'exited' : 'created',
    pid: State.Pid,
    exitCode: State.ExitCode,
    oomKilled: State.OOMKilled,
    finishedAtMs: finishedAtMs > 0 ? finishedAtMs : 0,
  };
}
