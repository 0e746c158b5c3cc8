/**
 * Who runs in the embedded stack, and what each gets to know: DESIGN.md section 2 as a table.
 *
 * On one machine, where all run as one user, this split is hygiene and no boundary. It keeps a mistake in one process from
 * reaching what it has no business with, and it is the split that becomes a boundary on separate hosts.
 */
import { mkdirSync, rmSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { roles } from '../../artifacts/keys.ts';
import type { Config } from '../../temporal/config.ts';
import type { Role } from '../../temporal/contract/evidence.ts';
import type { ProcessSpec } from './node-process.ts';

/** Where the services that the processes share turned out to be. */
export interface Places {
  readonly temporal: { readonly address: string; readonly ui: string | null };
  readonly api: { readonly port: number; readonly url: string };
  readonly container: { readonly host: string };
}

export function processTable(config: Config, places: Places): ProcessSpec[] {
  const container = { AAS_CONTAINER_HOST: places.container.host, AAS_SANDBOX_IMAGE: config.container.image };
  const worker = (capability: string, env: Record<string, string> = {}): Omit<ProcessSpec, 'name'> => ({
    main: [join(config.root, 'workers', 'main.ts')],
    env: { CAPABILITIES: capability, ...env },
  });
  const table: Record<string, Omit<ProcessSpec, 'name'>> = {
    api: {
      main: [join(config.root, 'client', 'api', 'main.ts')],
      env: {
        AAS_API_HOST: config.api.host,
        AAS_API_PORT: String(places.api.port),
        AAS_API_URL: places.api.url,
        AAS_TEMPORAL_UI: places.temporal.ui ?? config.temporal.ui,
        ...(config.api.token === undefined ? {} : { AAS_TOKEN: config.api.token }),
        AAS_KEYS: keyView(config, 'api', ['api']),
      },
    },
    control: worker('control', {
      AAS_ORG_POLICY: config.policy.orgLayer,
      AAS_SANDBOX_IMAGE: config.container.image,
      AAS_KEYS: keyView(config, 'control', ['control', 'audit']),
    }),
    source: worker('source', { AAS_KEYS: keyView(config, 'source', []) }),
    hands: worker('sandbox', {
      ...container,
      AAS_SLOTS: String(config.worker.slots),
      AAS_KEYS: keyView(config, 'hands', []),
    }),
    validate: worker('validate', {
      ...container,
      AAS_SLOTS: String(config.worker.slots),
      AAS_KEYS: keyView(config, 'validate', ['validator']),
    }),
    promote: worker('promote', {
      AAS_PROMOTER_FLOOR: config.policy.floor,
      AAS_KEYS: keyView(config, 'promote', ['promoter']),
    }),
    reaper: {
      main: [join(config.root, 'workers', 'reaper.ts')],
      env: { ...container, AAS_KEYS: keyView(config, 'reaper', []) },
    },
  };
  return Object.entries(table).map(([name, { main, env }], index) => ({
    name,
    main,
    env: { ...commonEnvironment(config, places), ...metricsPort(config, index), ...env },
  }));
}

const commonEnvironment = (config: Config, { temporal }: Places): Record<string, string> => ({
  PATH: '/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin',
  LANG: 'C.UTF-8',
  TMPDIR: tmpdir(),
  AAS_HOME: config.home,
  AAS_MODE: config.mode,
  AAS_PROFILE: config.profile,
  AAS_LOG_LEVEL: config.logLevel,
  AAS_TEMPORAL_ADDRESS: temporal.address,
  AAS_TEMPORAL_NAMESPACE: config.temporal.namespace,
  AAS_HOST_LOST_AFTER_MS: String(config.timings.hostLostAfterMs),
  AAS_HEARTBEAT_MS: String(config.timings.heartbeatMs),
  AAS_LEASE_MS: String(config.timings.leaseMs),
  AAS_SWEEP_MS: String(config.timings.sweepMs),
  HOST_ID: config.worker.hostId,
});

/** Each process exports its own metrics: the configured port, and those that follow it. */
const metricsPort = ({ metricsPort: first }: Config, index: number): Record<string, string> =>
  first === undefined ? {} : { AAS_METRICS_PORT: String(first + index) };

/** A folder that shows a process everybody's public keys, and of the private ones its own. */
function keyView({ paths }: Config, name: string, own: readonly Role[]): string {
  const view = join(paths.run, 'keys', name);
  rmSync(view, { recursive: true, force: true });
  mkdirSync(view, { recursive: true, mode: 0o700 });
  symlinkSync(join(paths.keys, 'public'), join(view, 'public'));
  for (const role of roles.filter((each) => own.includes(each))) symlinkSync(join(paths.keys, role), join(view, role));
  return view;
}
