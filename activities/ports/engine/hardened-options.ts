/**
 * Every container of AAS is made from these options and no others. What each one holds against was measured by probes
 * (test/abuse/); a line left out here opens what its probe shows.
 */
import type { ContainerCreateOptions, HostConfig } from 'dockerode';
import type { ContainerSpec } from './port.ts';

/** What one engine wants said differently. */
export interface Dialect {
  readonly securityOptions: readonly string[];
  readonly tmpfs: (spec: ContainerSpec) => Readonly<Record<string, string>>;
}

/** Host facts that are nobody's business inside: kernel addresses, hardware, other containers' traffic. */
export const maskedPaths: readonly string[] = [
  '/proc/asound',
  '/proc/acpi',
  '/proc/cmdline',
  '/proc/config.gz',
  '/proc/diskstats',
  '/proc/interrupts',
  '/proc/kallsyms',
  '/proc/kcore',
  '/proc/keys',
  '/proc/latency_stats',
  '/proc/partitions',
  '/proc/sched_debug',
  '/proc/scsi',
  '/proc/timer_list',
  '/proc/timer_stats',
  '/sys/block',
  '/sys/class/dmi',
  '/sys/devices/virtual/dmi',
  '/sys/firmware',
  '/sys/kernel',
  '/sys/module',
];

const mebibyte = 1024 * 1024;
const limit = (name: string, most: number) => ({ Name: name, Soft: most, Hard: most });

// @types/dockerode does not know it yet.
type FullHostConfig = HostConfig & { CgroupnsMode: 'private' };

export function hardenedOptions(spec: ContainerSpec, dialect: Dialect): ContainerCreateOptions {
  const host: FullHostConfig = {
    NetworkMode: 'none',
    IpcMode: 'private',
    CgroupnsMode: 'private',
    ReadonlyRootfs: true,
    CapDrop: ['ALL'],
    SecurityOpt: ['no-new-privileges', ...dialect.securityOptions],
    MaskedPaths: [...maskedPaths],
    Memory: spec.memoryBytes,
    MemorySwap: spec.memoryBytes,
    NanoCpus: Math.round(spec.cpus * 1e9),
    PidsLimit: spec.pids,
    OomScoreAdj: 500,
    // nproc only because Podman's default fails where CAP_SYS_RESOURCE is missing; the pids limit is what holds.
    Ulimits: [limit('nofile', 1024), limit('core', 0), limit('fsize', spec.fileBytes), limit('nproc', 16_384)],
    Init: true,
    Tmpfs: { ...dialect.tmpfs(spec) },
    ShmSize: 16 * mebibyte,
    Mounts: spec.binds.map(({ source, target }) => ({ Type: 'bind', Source: source, Target: target })),
    // The engine's log loses lines under load and would fill the host's disk: output goes to a file we bound.
    LogConfig: { Type: 'none', Config: {} },
    RestartPolicy: { Name: 'no' },
    AutoRemove: false,
  };
  return {
    name: spec.name,
    Image: spec.image,
    Hostname: 'sandbox',
    User: `${spec.uid}:${spec.gid}`,
    WorkingDir: spec.directory,
    Env: Object.entries(spec.environment).map(([name, value]) => `${name}=${value}`),
    Entrypoint: [],
    Cmd: [...spec.argv],
    Labels: { ...spec.labels },
    // Without it Docker spends 100 ms on a network of its own for "none".
    NetworkDisabled: true,
    AttachStdout: false,
    AttachStderr: false,
    HostConfig: host,
  };
}
