/** Admission: what was asked for, what policy leaves of it, and the immutable job that both make. */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { digestOf, sha256 } from '../artifacts/digest.ts';
import type { Evidence } from './ports/evidence.ts';
import { judgeAdmission } from '../policies/admission.ts';
import { resolveChecks } from '../policies/checks.ts';
import { parseLayer } from '../policies/layers.ts';
import type { ParsedLayer } from '../policies/layers.ts';
import { mergeLayers } from '../policies/merge.ts';
import type { LayerSource } from '../policies/merge.ts';
import { jobRequestSchema } from '../temporal/contract/job.ts';
import type { JobRequest, JobSpec } from '../temporal/contract/job.ts';
import { boundedFindings } from '../temporal/contract/messages.ts';
import type {
  Admission,
  AdmittedJob,
  Base,
  ControlActivities,
  Digest,
  Finding,
  Oid,
  SessionInput,
} from '../temporal/contract/messages.ts';
import type { PolicyBundle, PolicyLayerName } from '../temporal/contract/policy.ts';
import type { BaseRepositories } from './ports/git/port.ts';
import type { Planner } from './ports/planner.ts';

export interface AdmissionPorts {
  readonly artifacts: ArtifactStore;
  readonly evidence: Evidence;
  readonly repositories: BaseRepositories;
  readonly planner: Planner;
  /** The org layer's text, read anew for each session: a changed policy needs no restart. */
  readonly orgLayer: () => Promise<string>;
  readonly sandboxImage: string;
  readonly profile: 'personal' | 'team';
  readonly timings: { readonly hostLostAfterMs: number; readonly heartbeatMs: number };
}

/** Where a repository keeps its own layer. Read at the base commit, so a change cannot widen its own policy. */
const repositoryLayerPath = '.aas/policy.yaml';
const maxLayerBytes = 64 * 1024;
const maxKnownCommits = 100;

export function createAdmissionActivities(ports: AdmissionPorts): Pick<ControlActivities, 'admit' | 'plan'> {
  const { artifacts, evidence, planner } = ports;
  const layersOf = createLayerReader(ports);
  return {
    admit: async ({ input, base }) => {
      const bytes = await artifacts.get(input.request.digest);
      const request = jobRequestSchema.parse(JSON.parse(bytes.toString('utf8')));
      const { layers, findings } = await layersOf(request, base);
      if (layers === null) return { verdict: 'refused', bundleDigest: null, findings: boundedFindings(findings) };

      const bundle = mergeLayers(layers);
      const bundleDigest = digestOf(bundle);
      const image = request.agent.image ?? ports.sandboxImage;
      const judged = judgeAdmission({ request, bundle, repository: base.repository, image });
      const all = boundedFindings([...findings, ...judged]);
      if (all.some(({ severity }) => severity === 'deny')) return { verdict: 'refused', bundleDigest, findings: all };

      const job = jobSpec(ports.profile, input, request, base, bundle, image);
      const digest = await evidence.sign('job', job);
      return { verdict: 'admitted', job: admittedJob(job, digest, ports.timings), findings: all } satisfies Admission;
    },

    plan: async ({ job: digest }) => {
      const plan = await planner.plan(await evidence.open('job', digest));
      return { plan, subject: digestOf({ job: digest, plan }) };
    },
  };
}

type Read = readonly [PolicyLayerName, string, ParsedLayer];

/** Reads and parses the layers of a request. What cannot have changed since it was last read is not read again. */
function createLayerReader({ repositories, orgLayer }: AdmissionPorts) {
  let org: Read | null = null;
  const ofCommits = new Map<Oid, Read | null>();

  const readOrg = async (): Promise<Read> => {
    const text = await orgLayer();
    return org?.[1] === text ? org : (org = read('org', text));
  };
  const readRepository = async (base: Base): Promise<Read | null> => {
    const known = ofCommits.get(base.commit);
    if (known !== undefined) return known;
    const own = await (await repositories.open(base)).readFile(repositoryLayerPath, maxLayerBytes);
    const layer = own === null ? null : read('repository', own.toString('utf8'));
    if (ofCommits.size >= maxKnownCommits) ofCommits.clear();
    ofCommits.set(base.commit, layer);
    return layer;
  };

  return async (request: JobRequest, base: Base) => {
    const layers = [await readOrg(), await readRepository(base)];
    // JSON is YAML: the session's layer goes through the same door as the others.
    if (request.policy !== null) layers.push(read('session', JSON.stringify(request.policy)));
    return usableLayers(layers.filter((layer) => layer !== null));
  };
}

const read = (name: PolicyLayerName, text: string): Read => [name, text, parseLayer(text, name)];

/** A layer that does not parse denies: guessing what it meant would widen it. */
function usableLayers(read: readonly Read[]): { layers: LayerSource[] | null; findings: Finding[] } {
  const layers: LayerSource[] = [];
  const findings: Finding[] = [];
  for (const [, text, parsed] of read) {
    if (parsed.ok) {
      layers.push({ layer: parsed.layer, digest: sha256(text) });
      findings.push(...parsed.warnings);
    } else {
      findings.push({ severity: 'deny', rule: 'policy.unparsable', message: parsed.reason });
    }
  }
  return { layers: layers.length === read.length ? layers : null, findings };
}

function jobSpec(
  profile: AdmissionPorts['profile'],
  input: SessionInput,
  request: JobRequest,
  base: Base,
  bundle: PolicyBundle,
  image: string,
): JobSpec {
  const { repositoryKey, repository, ref, commit, tree, bundle: source } = base;
  return {
    type: 'aas.dev/job/v1',
    session: input.sessionId,
    requester: input.requester,
    profile,
    createdAt: input.createdAt,
    goal: request.goal,
    source: { repositoryKey, repository, ref, commit, tree, bundle: source },
    target: { key: `${repositoryKey}#${ref ?? commit}`, repository, ref, mode: request.promotion.mode },
    agent: { name: request.agent.name, argv: request.agent.argv, image },
    checks: resolveChecks(bundle, request.checks, image),
    paths: request.paths,
    limits: bundle.limits,
    policy: { digest: digestOf(bundle), bundle },
  };
}

function admittedJob(job: JobSpec, digest: Digest, timings: AdmissionPorts['timings']): AdmittedJob {
  const { bundle } = job.policy;
  return {
    digest,
    bundleDigest: job.policy.digest,
    profile: job.profile,
    target: job.target,
    hand: job.agent.name,
    planGate: bundle.gates.plan,
    // P1: nothing is published without a person, whatever a policy says.
    approvals: Math.max(1, bundle.gates.approvals),
    maxRounds: job.limits.maxRounds,
    deadlines: bundle.deadlines,
    timings: { ...timings, runMs: job.limits.runMs, validateMs: job.limits.checkMs * job.checks.length },
  };
}
