/**
 * The only reader of the environment. Each main takes the part its process may hold, and nothing else.
 *
 * `.env` and `.env.local` are loaded by `bin/aas` (later files win, the real environment wins over both).
 */
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { z } from 'zod';

const root = fileURLToPath(new URL('..', import.meta.url));

const port = z.coerce.number().int().min(0).max(65_535);
const positiveMs = z.coerce.number().int().min(1);
const optionalText = z
  .string()
  .trim()
  .transform((text) => (text === '' ? undefined : text))
  .optional();

const environmentSchema = z.object({
  AAS_HOME: z.string().default(join(root, '.aas')),
  AAS_MODE: z.enum(['minimal', 'full']).default('minimal'),
  AAS_PROFILE: z.enum(['personal', 'team']).default('personal'),
  AAS_LOG_LEVEL: z.enum(['trace', 'debug', 'info', 'warn', 'error', 'fatal']).default('info'),

  AAS_TEMPORAL_ADDRESS: z.string().default('127.0.0.1:7233'),
  AAS_TEMPORAL_NAMESPACE: z.string().default('default'),
  AAS_TEMPORAL_UI: z.string().default('http://localhost:8233'),
  AAS_TEMPORAL_CLI: optionalText,

  AAS_API_HOST: z.string().default('127.0.0.1'),
  AAS_API_PORT: port.default(8001),
  AAS_API_URL: optionalText,
  AAS_TOKEN: optionalText,
  AAS_METRICS_PORT: port.optional(),

  AAS_CONTAINER_HOST: optionalText,
  DOCKER_HOST: optionalText,
  XDG_RUNTIME_DIR: optionalText,
  AAS_SANDBOX_IMAGE: z.string().default('aas-sandbox:1'),
  CAPABILITIES: z.string().default(''),
  HOST_ID: z
    .string()
    .regex(/^[A-Za-z0-9][A-Za-z0-9_-]{0,62}$/)
    .default(
      hostname()
        .replaceAll(/[^A-Za-z0-9_-]/g, '-')
        .replace(/^-+/, '')
        .slice(0, 63) || 'local',
    ),
  /** How many containers one host runs at once. */
  AAS_SLOTS: z.coerce.number().int().min(1).max(512).default(10),

  AAS_KEYS: optionalText,
  AAS_ORG_POLICY: optionalText,
  AAS_PROMOTER_FLOOR: optionalText,

  AAS_HOST_LOST_AFTER_MS: positiveMs.default(30_000),
  AAS_HEARTBEAT_MS: positiveMs.default(2_500),
  /** A container whose lease nobody renewed for this long is removed by its host's reaper. */
  AAS_LEASE_MS: positiveMs.default(120_000),
  AAS_SWEEP_MS: positiveMs.default(60_000),
});

/** The names of all settings. */
export const settingNames: readonly string[] = Object.keys(environmentSchema.shape);

export interface Config {
  readonly root: string;
  readonly home: string;
  readonly mode: 'minimal' | 'full';
  readonly profile: 'personal' | 'team';
  readonly logLevel: 'trace' | 'debug' | 'info' | 'warn' | 'error' | 'fatal';
  readonly temporal: {
    readonly address: string;
    readonly namespace: string;
    readonly ui: string;
    readonly cli: string | undefined;
  };
  readonly api: {
    readonly host: string;
    readonly port: number;
    /** Where clients find it; printed links use it too. */
    readonly url: string;
    readonly token: string | undefined;
  };
  readonly metricsPort: number | undefined;
  readonly container: {
    /** From AAS_CONTAINER_HOST, else DOCKER_HOST; undefined: look at the usual sockets. */
    readonly host: string | undefined;
    readonly runtimeDir: string | undefined;
    readonly image: string;
  };
  readonly worker: { readonly capabilities: readonly string[]; readonly hostId: string; readonly slots: number };
  readonly policy: { readonly orgLayer: string; readonly floor: string };
  readonly timings: {
    readonly hostLostAfterMs: number;
    readonly heartbeatMs: number;
    readonly leaseMs: number;
    readonly sweepMs: number;
  };
  readonly paths: {
    readonly artifacts: string;
    readonly logs: string;
    readonly store: string;
    /** One folder per role with its private key, and `public/` with everybody's public one. */
    readonly keys: string;
    readonly token: string;
    readonly source: string;
    readonly control: string;
    readonly promoter: string;
    readonly promoted: string;
    readonly hosts: string;
    readonly run: string;
    readonly bundle: string;
    readonly temporalDatabase: string;
  };
}

/** Parses the environment. Throws an `Error` that names each bad variable and what it should look like. */
export function loadConfig(environment: NodeJS.ProcessEnv = process.env): Config {
  const parsed = environmentSchema.safeParse(environment);
  if (!parsed.success) {
    const lines = parsed.error.issues.map((issue) => `  ${issue.path.join('.')}: ${issue.message}`);
    throw new Error(`The environment has values that AAS cannot use:\n${lines.join('\n')}\nSee .env.example for each.`);
  }
  const env = parsed.data;
  const home = resolve(env.AAS_HOME);
  return {
    root,
    home,
    mode: env.AAS_MODE,
    profile: env.AAS_PROFILE,
    logLevel: env.AAS_LOG_LEVEL,
    temporal: {
      address: env.AAS_TEMPORAL_ADDRESS,
      namespace: env.AAS_TEMPORAL_NAMESPACE,
      ui: env.AAS_TEMPORAL_UI,
      cli: env.AAS_TEMPORAL_CLI,
    },
    api: {
      host: env.AAS_API_HOST,
      port: env.AAS_API_PORT,
      url: env.AAS_API_URL ?? `http://localhost:${env.AAS_API_PORT}`,
      token: env.AAS_TOKEN,
    },
    metricsPort: env.AAS_METRICS_PORT,
    container: {
      host: env.AAS_CONTAINER_HOST ?? env.DOCKER_HOST,
      runtimeDir: env.XDG_RUNTIME_DIR,
      image: env.AAS_SANDBOX_IMAGE,
    },
    worker: {
      capabilities: env.CAPABILITIES.split(',')
        .map((name) => name.trim())
        .filter((name) => name !== ''),
      hostId: env.HOST_ID,
      slots: env.AAS_SLOTS,
    },
    policy: {
      orgLayer: env.AAS_ORG_POLICY ?? join(root, 'policies', 'default.yaml'),
      floor: env.AAS_PROMOTER_FLOOR ?? join(root, 'policies', 'promoter-floor.yaml'),
    },
    timings: {
      hostLostAfterMs: env.AAS_HOST_LOST_AFTER_MS,
      heartbeatMs: env.AAS_HEARTBEAT_MS,
      leaseMs: env.AAS_LEASE_MS,
      sweepMs: env.AAS_SWEEP_MS,
    },
    paths: {
      artifacts: join(home, 'artifacts'),
      logs: join(home, 'logs'),
      store: join(home, 'store.sqlite'),
      keys: env.AAS_KEYS ?? join(home, 'keys'),
      token: join(home, 'token'),
      source: join(home, 'source'),
      control: join(home, 'control'),
      promoter: join(home, 'promoter'),
      promoted: join(home, 'promoted'),
      hosts: join(home, 'hosts'),
      run: join(home, 'run'),
      bundle: join(root, 'dist', 'workflows.js'),
      temporalDatabase: join(home, 'temporal.sqlite'),
    },
  };
}

/** Where the services of a running stack are. */
interface StackPlaces {
  readonly temporal: { readonly address: string };
  readonly container: { readonly host: string };
}

/** The environment for another of our processes beside a running stack: its places, where no setting names others. */
export function environmentAt(places: StackPlaces, environment: NodeJS.ProcessEnv = process.env): NodeJS.ProcessEnv {
  const isSet = (name: string) => (environment[name] ?? '').trim() !== '';
  return {
    ...environment,
    ...(isSet('AAS_TEMPORAL_ADDRESS') ? {} : { AAS_TEMPORAL_ADDRESS: places.temporal.address }),
    ...(isSet('AAS_CONTAINER_HOST') || isSet('DOCKER_HOST') ? {} : { AAS_CONTAINER_HOST: places.container.host }),
  };
}
