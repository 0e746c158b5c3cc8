/** The promoter over real repositories and real evidence; who forges evidence is in test/abuse/. */
import { mkdir, readFile, rename, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { DefaultLogger } from '@temporalio/worker';
import { describe, expect, test } from 'vitest';
import type { PromotionMode, PromotionRequest, PromotionResult } from '../../temporal/contract/messages.ts';
import { openPromoter, withInstallation } from '../helpers/evidence.ts';
import type { Installation } from '../helpers/evidence.ts';
import type { WorkingCopy } from '../helpers/example.ts';

const promote = (
  { promote: activity }: Pick<Installation, 'promote'>,
  request: PromotionRequest,
): Promise<PromotionResult> =>
  new MockActivityEnvironment({}, { logger: new DefaultLogger('ERROR') }).run(activity, request);

/** A promoter that dies between its write and its answer. */
const dying = (home: string) =>
  openPromoter(home, (writer) => ({
    ...writer,
    write: async (promotion) => {
      await writer.write(promotion);
      throw new Error('killed');
    },
  }));

async function moveBase(repository: WorkingCopy): Promise<string> {
  await repository.write('elsewhere.txt', 'x\n');
  return repository.commit('Meanwhile');
}

const branchesOf = (repository: WorkingCopy): string[] =>
  repository.git('for-each-ref', '--format=%(refname)').trim().split('\n');

describe.each<PromotionMode>(['patch', 'branch'])('as a %s', (mode) => {
  const asked = { promotion: { mode } };

  test('what was approved is promoted, and signed for', async () => {
    await withInstallation(async (installation, repository) => {
      const { request, decision } = await installation.approved(repository, asked);
      const { sessionId, base, evidence, target } = request;
      const result = await promote(installation, request);
      const ref = mode === 'patch' ? `${sessionId}.patch` : `refs/heads/aas/${sessionId}`;
      const commit = mode === 'patch' ? null : repository.git('rev-parse', ref).trim();
      const written = { mode, ref, commit, baseCommit: base.commit };
      expect(result).toMatchObject({ kind: 'promoted', promotion: { ...written, digest: evidence.candidate } });
      if (result.kind !== 'promoted') return;

      const { tree } = await installation.signs.control.open('inspection', evidence.inspection);
      expect(await installation.signs.control.open('receipt', result.promotion.receipt)).toEqual({
        type: 'aas.dev/promotion-receipt/v1',
        session: sessionId,
        profile: 'personal',
        ...evidence,
        ...written,
        ...{ target: target.key, tree, subject: decision.subject },
      });
      if (mode === 'patch') {
        const bytes = await readFile(join(installation.home, 'promoted', ref));
        expect(bytes).toEqual(await installation.artifacts.get(evidence.candidate));
        expect(branchesOf(repository)).toEqual(['refs/heads/main']);
      } else {
        expect(repository.git('rev-parse', `${ref}^{tree}`).trim()).toBe(tree);
        expect(await installation.promoted()).toEqual([]);
      }
    });
  });

  test('a base that moved stops it before anything is written', async () => {
    await withInstallation(async (installation, repository) => {
      const { request } = await installation.approved(repository, asked);
      const commit = await moveBase(repository);
      expect(await promote(installation, request)).toEqual({ kind: 'base_moved', commit });
      expect(await installation.promoted()).toEqual([]);
      expect(branchesOf(repository)).toEqual(['refs/heads/main']);
    });
  });

  test('a base that is gone refuses it: nobody can promote there', async () => {
    await withInstallation(async (installation, repository) => {
      const { request } = await installation.approved(repository, asked);
      repository.git('branch', '--quiet', '--move', 'main', 'trunk');
      const findings = [{ severity: 'deny', rule: 'promotion.target' }];
      expect(await promote(installation, request)).toMatchObject({ kind: 'refused', findings });
      expect(await installation.promoted()).toEqual([]);
      expect(branchesOf(repository)).toEqual(['refs/heads/trunk']);
    });
  });

  test('P10: killed after its write, asked again when the base has moved, it answers with what it wrote', async () => {
    await withInstallation(async (installation, repository) => {
      const { request } = await installation.approved(repository, asked);
      await expect(promote(dying(installation.home), request)).rejects.toThrow('killed');
      const written = [await installation.promoted(), branchesOf(repository)];
      expect(written.flat()).toHaveLength(2);
      await moveBase(repository);

      const { candidate: digest } = request.evidence;
      const promotion = { mode, digest, baseCommit: request.base.commit };
      const answers = [await promote(installation, request), await promote(installation, request)];
      expect(answers).toMatchObject([
        { kind: 'promoted', promotion },
        { kind: 'promoted', promotion },
      ]);
      // The same receipt, however often it is asked: whoever holds the first one holds a true one.
      expect(answers[1]).toEqual(answers[0]);
      expect([await installation.promoted(), branchesOf(repository)]).toEqual(written);
    });
  });
});

describe('P12: every receipt says whose profile it was', () => {
  test('team, where somebody else approved', async () => {
    await withInstallation(
      async (installation, repository) => {
        const { request, decision } = await installation.approved(repository);
        // Ada asked, so hers does not count.
        expect(await promote(installation, request)).toMatchObject({ kind: 'refused' });
        const bob = await installation.signs.api.sign('decision', { ...decision, actor: 'bob' });
        const result = await promote(installation, { ...request, evidence: { ...request.evidence, decisions: [bob] } });
        if (result.kind !== 'promoted') throw new Error(JSON.stringify(result));
        const receipt = await installation.signs.control.open('receipt', result.promotion.receipt);
        expect(receipt).toMatchObject({ profile: 'team', decisions: [bob] });
      },
      { profile: 'team' },
    );
  });
});

test('P6: the subject binds the policy itself, whatever digest the job claims for it', async () => {
  await withInstallation(async (installation, repository) => {
    const { request, decision } = await installation.approved(repository);
    const { control, validator, api } = installation.signs;
    const spec = await control.open('job', request.evidence.job);
    const bundle = { ...spec.policy.bundle, limits: { ...spec.policy.bundle.limits, maxFiles: 99 } };
    const job = await control.sign('job', { ...spec, policy: { ...spec.policy, bundle } });
    const inspection = await control.sign('inspection', {
      ...(await control.open('inspection', request.evidence.inspection)),
      job,
    });
    const report = await validator.sign('report', { ...(await control.open('report', request.evidence.report)), job });
    // What a person would be shown, and say yes to.
    const subject = await installation.control.subject({ sessionId: request.sessionId, job, inspection, report });
    const decisions = [await api.sign('decision', { ...decision, subject })];
    const forged = { ...request, evidence: { ...request.evidence, job, inspection, report, decisions } };
    expect(await promote(installation, forged)).toMatchObject({
      kind: 'refused',
      findings: [{ severity: 'deny', rule: 'decisions.approvals' }],
    });
    expect(await installation.promoted()).toEqual([]);
  });
});

test('evidence that a stranger signed is refused before anything is looked at', async () => {
  await withInstallation(async (installation, repository) => {
    const { request } = await installation.approved(repository);
    const report = await installation.signs.control.open('report', request.evidence.report);
    const forged = await installation.stranger.validator.sign('report', report);
    const result = await promote(installation, { ...request, evidence: { ...request.evidence, report: forged } });
    expect(result).toMatchObject({ kind: 'refused', findings: [{ rule: 'evidence.unverifiable' }] });
    expect(await installation.promoted()).toEqual([]);
  });
});

test('evidence that cannot be read now is no refusal: the same step may succeed later', async () => {
  await withInstallation(async (installation, repository) => {
    const { request } = await installation.approved(repository);
    const hex = request.evidence.report.slice('sha256:'.length);
    const file = join(installation.home, 'artifacts', 'sha256', hex.slice(0, 2), hex.slice(2));
    await rename(file, `${file}.aside`);
    await mkdir(file);
    await expect(promote(installation, request)).rejects.toMatchObject({ code: 'EISDIR' });
    await rmdir(file);
    await rename(`${file}.aside`, file);
    expect(await promote(installation, request)).toMatchObject({ kind: 'promoted' });
  });
});
