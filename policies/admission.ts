/** May this request become a job at all? Asked at admission, under the bundle that is pinned there. */
import type { JobRequest } from '../temporal/contract/job.ts';
import { byGravity } from '../temporal/contract/messages.ts';
import type { Finding } from '../temporal/contract/messages.ts';
import type { PolicyBundle } from '../temporal/contract/policy.ts';
import { resolveChecks } from './checks.ts';
import { deny, info } from './findings.ts';
import { ruleProblem, pathJudge } from './paths.ts';

export interface AdmissionFacts {
  readonly request: JobRequest;
  readonly bundle: PolicyBundle;
  /** The canonical location, as `Base.repository` has it. */
  readonly repository: string;
  /** The image the job will run in: the request's, or else the installation's. */
  readonly image: string;
}

/**
 * Rules: `agents.allow`, `images.allow` (the job's and each check's), `promotion.modes`, `checks.none`, `paths.glob`
 * deny; `paths.planned` tells early that policy would deny a path the job expects to change.
 */
export function judgeAdmission({ request, bundle, repository, image }: AdmissionFacts): Finding[] {
  const checks = resolveChecks(bundle, request.checks, image);
  const images = [...new Set([image, ...checks.map((check) => check.image)])];
  const unusable = [...(request.paths ?? []), ...request.checks.flatMap(({ files }) => files)].map(ruleProblem);
  return byGravity([
    ...(bundle.agents.includes(request.agent.name)
      ? []
      : [
          deny('agents.allow', `policy does not allow the agent ${request.agent.name}, only: ${listed(bundle.agents)}`),
        ]),
    ...images
      .filter((name) => !bundle.images.includes(name))
      .map((name) => deny('images.allow', `policy does not allow the image ${name}, only: ${listed(bundle.images)}`)),
    ...(bundle.modes.includes(request.promotion.mode)
      ? []
      : [
          deny(
            'promotion.modes',
            `policy does not allow to promote as ${request.promotion.mode}, only: ${listed(bundle.modes)}`,
          ),
        ]),
    ...(checks.length > 0
      ? []
      : [
          deny(
            'checks.none',
            'neither policy nor the job names a check, and what nothing has checked is not promoted: add one',
          ),
        ]),
    ...unusable.filter((problem) => problem !== null).map((problem) => deny('paths.glob', problem)),
    ...(unusable.every((problem) => problem === null) ? plannedPaths(request, bundle, repository) : []),
  ]);
}

/** Only what is certain: of a glob nobody knows yet which paths it will be. */
function plannedPaths({ paths }: JobRequest, bundle: PolicyBundle, repository: string): Finding[] {
  const judge = pathJudge(bundle.paths, repository);
  return (paths ?? [])
    .filter((path) => !/[*?[{]/.test(path))
    .flatMap((path) => {
      const verdict = judge(path);
      return verdict.kind === 'denied'
        ? [info('paths.planned', `a change here would be refused: ${verdict.reason}`, path)]
        : [];
    });
}

const listed = (names: readonly string[]): string => (names.length > 0 ? names.join(', ') : 'none');
