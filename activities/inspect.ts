/** Inspection: control judges the bytes of a change and makes the candidate, once. */
import type { ArtifactStore } from '../artifacts/artifact-store.ts';
import { digestOf } from '../artifacts/digest.ts';
import type { Evidence } from './ports/evidence.ts';
import { judgeChange } from '../policies/change.ts';
import { subjectOf } from '../policies/subject.ts';
import type { JobSpec } from '../temporal/contract/job.ts';
import { boundedFindings } from '../temporal/contract/messages.ts';
import type { ArtifactRef, ChangedFile, ControlActivities, InspectRequest } from '../temporal/contract/messages.ts';
import { assertJobOf } from './own-job.ts';
import { readCandidate, writeCandidate } from './ports/git/candidate.ts';
import type { BaseRepositories } from './ports/git/port.ts';
import { judgeTree } from './ports/git/tree-rules.ts';

export interface InspectionPorts {
  readonly artifacts: ArtifactStore;
  readonly evidence: Evidence;
  readonly repositories: BaseRepositories;
}

const noObject = '0'.repeat(40);

export function createInspectionActivities(ports: InspectionPorts): Pick<ControlActivities, 'inspect' | 'subject'> {
  const { artifacts, evidence, repositories } = ports;
  return {
    // What hands report about a patch is a claim: it is applied to our own copy of the base and read back from there.
    inspect: async (request) => {
      const job = await evidence.open('job', request.job);
      assertJobOf(request.sessionId, job);
      const repository = await repositories.open(request.base);
      const tree = await repository.applyDiff(await diffOf(artifacts, request));
      if (tree === repository.tree) return { verdict: 'no_change', findings: [] };

      const [files, diff] = await Promise.all([repository.changes(tree), repository.diff(tree)]);
      const unfit = await judgeTree(repository, files);
      const judged = judgeChange({
        files,
        patchBytes: diff.length,
        bundle: job.policy.bundle,
        repository: job.source.repository,
        plan: request.plan,
        checks: job.checks,
      });
      // A local activity's result stands in history, and one that is too large fails its workflow's task for ever.
      const findings = boundedFindings([...unfit, ...judged]);
      if (findings.some(({ severity }) => severity === 'deny')) return { verdict: 'deny', findings };

      const candidate = await keepCandidate(artifacts, request, job, diff);
      const report = await evidence.sign('inspection', {
        type: 'aas.dev/inspection/v1',
        session: request.sessionId,
        job: request.job,
        bundleDigest: job.policy.digest,
        baseCommit: request.base.commit,
        candidate: candidate.digest,
        tree,
        verdict: 'pass',
        baseContent: files.map(baseContent),
      });
      const view = { digest: candidate.digest, bytes: candidate.bytes, files };
      return { verdict: 'pass', findings, candidate: view, tree, report };
    },

    subject: async ({ job: jobDigest, inspection: inspectionDigest, report: reportDigest }) => {
      const job = await evidence.open('job', jobDigest);
      const inspection = await evidence.open('inspection', inspectionDigest);
      const report = await evidence.open('report', reportDigest);
      const { candidate, baseContent } = inspection;
      const bundleDigest = job.policy.digest;
      return digestOf(subjectOf({ candidate, baseContent, job: jobDigest, bundleDigest, checks: report.checks }));
    },
  };
}

async function diffOf(artifacts: ArtifactStore, { candidate, patch }: InspectRequest): Promise<Uint8Array> {
  if (candidate === null) return artifacts.get(patch.digest);
  return readCandidate(await artifacts.get(candidate)).diff;
}

/** A candidate that a person approved keeps its bytes, whatever base it lands on. */
async function keepCandidate(
  artifacts: ArtifactStore,
  request: InspectRequest,
  job: JobSpec,
  diff: Buffer,
): Promise<Pick<ArtifactRef, 'digest' | 'bytes'>> {
  if (request.candidate !== null) {
    const { length: bytes } = await artifacts.get(request.candidate);
    return { digest: request.candidate, bytes };
  }
  const bytes = writeCandidate({
    diff,
    goal: job.goal,
    sessionId: job.session,
    job: request.job,
    baseCommit: request.base.commit,
    createdAt: job.createdAt,
  });
  return artifacts.put(bytes, 'text/x-patch');
}

const baseContent = ({ path, oldMode, oldOid }: ChangedFile) => ({
  path,
  mode: oldMode,
  oid: /^0+$/.test(oldOid) ? noObject : oldOid,
});
