/** What the validator refuses before anything runs: no engine is needed to see it. */
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { expect, test } from 'vitest';
import { readCandidate } from '../../activities/ports/git/candidate.ts';
import { createBaseRepositories } from '../../activities/ports/git/base-repositories.ts';
import type { Sandbox } from '../../activities/ports/sandbox/sandbox.ts';
import { createValidateActivities } from '../../activities/validate.ts';
import type { PromotionRequest, ValidateRequest } from '../../temporal/contract/messages.ts';
import { withInstallation } from '../helpers/evidence.ts';
import type { Installation } from '../helpers/evidence.ts';
import { temporaryFolder } from '../helpers/repositories.ts';

/** Fills a worktree as every sandbox does, and goes no further. */
const sandbox: Sandbox = {
  get host(): never {
    throw new Error('Nothing ran here that could be reported');
  },
  weaknesses: [],
  run: async ({ fill }) => {
    await fill({ directory: await temporaryFolder(), uid: process.getuid?.() ?? 0, gid: process.getgid?.() ?? 0 });
    throw new Error('A container was asked for');
  },
  close: () => Promise.resolve(),
};

async function validate(
  { artifacts, signs }: Installation,
  { sessionId, base, evidence }: PromotionRequest,
  change: Partial<ValidateRequest> = {},
) {
  const activities = createValidateActivities({
    sandbox,
    artifacts,
    repositories: createBaseRepositories(await temporaryFolder(), artifacts),
    hostId: 'rack7',
    heartbeatMs: 1000,
    verifyJob: (digest) => signs.validator.open('job', digest),
    readCandidateDiff: (candidate) => readCandidate(candidate).diff,
    signReport: (report) => signs.validator.sign('report', report),
  });
  const { tree } = await signs.validator.open('inspection', evidence.inspection);
  const { job, candidate } = evidence;
  const request: ValidateRequest = { sessionId, round: 1, job, base, candidate, tree, ...change };
  const environment = new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') });
  return environment.run(activities.validate, request);
}

test('a genuine request asks for a container: those below could', async () => {
  await withInstallation(async (installation, repository) => {
    const { request } = await installation.approved(repository);
    await expect(validate(installation, request)).rejects.toThrow('A container was asked for');
  });
});

test('a job of another session is refused', async () => {
  await withInstallation(async (installation, repository) => {
    const { request } = await installation.approved(repository);
    const refused = validate(installation, request, { sessionId: 's-other' });
    await expect(refused).rejects.toMatchObject({ type: 'Evidence.Invalid', nonRetryable: true });
    await expect(refused).rejects.toThrow(`admitted for session ${request.sessionId}, not this one`);
  });
});

test('a job that control did not sign is refused', async () => {
  await withInstallation(async (installation, repository) => {
    const { request } = await installation.approved(repository);
    const spec = await installation.signs.control.open('job', request.evidence.job);
    const job = await installation.stranger.control.sign('job', spec);
    await expect(validate(installation, request, { job })).rejects.toThrow('No control key');
  });
});

test('a job without checks is refused: nothing can prove its change', async () => {
  await withInstallation(async (installation, repository) => {
    const { request } = await installation.approved(repository);
    const spec = await installation.signs.control.open('job', request.evidence.job);
    const job = await installation.signs.control.sign('job', { ...spec, checks: [] });
    const refused = validate(installation, request, { job });
    await expect(refused).rejects.toMatchObject({ type: 'Evidence.Invalid', nonRetryable: true });
    await expect(refused).rejects.toThrow('has no checks');
  });
});

test('a candidate that makes another tree than was judged is refused', async () => {
  await withInstallation(async (installation, repository) => {
    const { request } = await installation.approved(repository);
    const refused = validate(installation, request, { tree: request.base.tree });
    await expect(refused).rejects.toMatchObject({ type: 'Evidence.Invalid', nonRetryable: true });
    await expect(refused).rejects.toThrow('was judged');
  });
});
