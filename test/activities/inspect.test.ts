/** Inspection over real repositories: the judge of policies/change.ts is asked about what a change really is. */
import { readFile, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { maxFindings } from '../../temporal/contract/messages.ts';
import type { InspectRequest, Inspection } from '../../temporal/contract/messages.ts';
import { fixExample, withInstallation } from '../helpers/evidence.ts';
import type { Admitted, Approved, Installation } from '../helpers/evidence.ts';
import type { WorkingCopy } from '../helpers/example.ts';

type Change = (repository: WorkingCopy) => Promise<unknown>;

/** Inspects a diff as a hand would hand it in. */
async function inspectDiff(
  { artifacts, control }: Installation,
  { sessionId, job, base, plan }: Admitted,
  diff: string,
): Promise<Inspection> {
  const patch = await artifacts.put(Buffer.from(diff), 'text/x-diff');
  return control.inspect({ sessionId, job: job.digest, base, patch, plan, candidate: null });
}

const rulesOf = ({ findings }: Inspection) =>
  findings.map(({ severity, rule, path }) => [severity, rule, ...(path === undefined ? [] : [path])].join(' '));

function passed(inspection: Inspection) {
  if (inspection.verdict !== 'pass') throw new Error(JSON.stringify(inspection));
  return inspection;
}

const write =
  (path: string, text = 'x\n'): Change =>
  (repository) =>
    repository.write(path, text);

/** The example's own layer allows Python files only; without it the shipped policy speaks alone. */
function withoutOwnLayer(repository: WorkingCopy): void {
  repository.git('rm', '--quiet', '.aas/policy.yaml');
  repository.commit('No policy of its own');
}
const checks = [{ id: 'unit', argv: ['true'] }];
const sessionLayer = (fields: object) => ({
  apiVersion: 'aas.dev/v1' as const,
  kind: 'Policy' as const,
  metadata: { name: 'mine', layer: 'session' as const, revision: 1 },
  ...fields,
});

describe('what policy denies of a real change makes no candidate', () => {
  const submodule: Change = async (repository) => {
    repository.git('update-index', '--add', '--cacheinfo', `160000,${'e'.repeat(40)},vendor`);
    // As git leaves one that nobody fetched: without the folder it would be removed again.
    repository.run('mkdir', 'vendor');
  };
  const large = 'x'.repeat(1000);

  test.each<[string, Change, object, string]>([
    ['a protected path', write('.github/workflows/ci.yml'), {}, 'deny paths.protected .github/workflows/ci.yml'],
    ['a runtime artifact', write('logs/x'), {}, 'deny paths.runtime logs/x'],
    ['a secret', write('.env'), {}, 'deny paths.deny .env'],
    ['a submodule', submodule, {}, 'deny change.submodule vendor'],
    ['more files than the cap', write('a'), { limits: { maxFiles: 1 } }, 'deny change.files'],
    ['a larger file', write('a', large), { limits: { maxFileBytes: 999 } }, 'deny change.file_bytes a'],
    ['a larger patch', write('a', large), { limits: { maxPatchBytes: 999 } }, 'deny change.patch_bytes'],
    [
      'a link that leads out',
      (repository) => symlink('/etc', join(repository.path, 'a')),
      {},
      'deny worktree.symlink a',
    ],
    ["a name that is another one's elsewhere", write('Duration.py'), {}, 'deny worktree.collision Duration.py'],
    ['what the session does not allow', write('a'), { paths: { allow: ['*.py'] } }, 'deny paths.allow a'],
  ])('%s', async (_, change, fields, expected) => {
    await withInstallation(async (installation, repository) => {
      withoutOwnLayer(repository);
      const admitted = await installation.admitted(repository, { checks, policy: sessionLayer(fields) });
      const diff = await repository.diff(async () => {
        await fixExample(repository);
        await change(repository);
      });
      const inspection = await inspectDiff(installation, admitted, diff);
      expect(inspection.verdict).toBe('deny');
      expect(rulesOf(inspection).filter((rule) => rule.startsWith('deny'))).toEqual([expected]);
      // No candidate that somebody could approve, and no report that the promoter would take.
      expect(Object.keys(inspection)).toEqual(['verdict', 'findings']);
    });
  });

  test('a job of another session', async () => {
    await withInstallation(async (installation, repository) => {
      const admitted = await installation.admitted(repository, { checks });
      const diff = await repository.diff(() => fixExample(repository));
      expect((await inspectDiff(installation, admitted, diff)).verdict).toBe('pass');
      const asking = inspectDiff(installation, { ...admitted, sessionId: 's-another' }, diff);
      await expect(asking).rejects.toMatchObject({ type: 'Evidence.Invalid', nonRetryable: true });
    });
  });

  test('what is found is bounded, and what denies is kept', async () => {
    await withInstallation(async (installation, repository) => {
      withoutOwnLayer(repository);
      const admitted = await installation.admitted(repository, { checks, paths: [] });
      const diff = await repository.diff(async () => {
        for (let n = 0; n < maxFindings; n++) await repository.write(`a${n}`, 'x\n');
        await repository.write('logs/x', 'x\n');
      });
      const inspection = await inspectDiff(installation, admitted, diff);
      expect(inspection.verdict).toBe('deny');
      expect(inspection.findings).toHaveLength(maxFindings);
      expect(rulesOf(inspection)).toEqual(expect.arrayContaining(['deny paths.runtime logs/x', 'info findings.more']));
    });
  });

  test.each([
    ['opened by the org layer for this repository', `${tmpdir()}/**`, 'pass', 'review paths.opened .github/ci.yml'],
    ['opened for another', '/elsewhere/**', 'deny', 'deny paths.protected .github/ci.yml'],
  ])('a protected path %s', async (_, opened, verdict, finding) => {
    const open = `open: [{ repository: '${opened}', paths: ['.github/**'] }]`;
    await withInstallation(
      async (installation, repository) => {
        withoutOwnLayer(repository);
        const admitted = await installation.admitted(repository, { checks });
        const diff = await repository.diff(() => repository.write('.github/ci.yml', 'x\n'));
        const inspection = await inspectDiff(installation, admitted, diff);
        expect(inspection.verdict).toBe(verdict);
        expect(rulesOf(inspection)).toEqual([finding]);
      },
      { orgLayer: (shipped) => shipped.replace('open: []', open) },
    );
  });
});

describe('what passes is shown as it is', () => {
  test('beside the plan, and where it changes its own exam', async () => {
    await withInstallation(async (installation, repository) => {
      const admitted = await installation.admitted(repository, { paths: ['duration.py', 'never.py'] });
      const diff = await repository.diff(async () => {
        await fixExample(repository);
        await repository.write('test_duration.py', 'pass\n');
      });
      const inspection = passed(await inspectDiff(installation, admitted, diff));
      expect(rulesOf(inspection)).toEqual([
        'review check.changed test_duration.py',
        'review scope test_duration.py',
        'info scope.unused',
      ]);
      expect(inspection.candidate.files.map(({ path }) => path)).toEqual(['duration.py', 'test_duration.py']);
    });
  });

  test('with links and modes', async () => {
    await withInstallation(async (installation, repository) => {
      const admitted = await installation.admitted(repository);
      const diff = await repository.diff(async () => {
        await symlink('duration.py', join(repository.path, 'alias.py'));
        repository.run('chmod', '+x', 'duration.py');
      });
      expect(rulesOf(passed(await inspectDiff(installation, admitted, diff)))).toEqual([
        'review change.symlink alias.py',
        'review change.executable duration.py',
      ]);
    });
  });

  test('and a change that takes itself back is none', async () => {
    await withInstallation(async (installation, repository) => {
      const admitted = await installation.admitted(repository);
      const there = await repository.diff(() => fixExample(repository));
      await fixExample(repository);
      repository.commit('Mended');
      const back = await repository.diff(async () => repository.git('checkout', admitted.base.commit, '--', '.'));
      const inspection = await inspectDiff(installation, admitted, there + back);
      expect(inspection).toEqual({ verdict: 'no_change', findings: [] });
    });
  });
});

test('a job that control did not sign is not inspected', async () => {
  await withInstallation(async (installation, repository) => {
    const admitted = await installation.admitted(repository);
    const spec = await installation.signs.control.open('job', admitted.job.digest);
    const job = { ...admitted.job, digest: await installation.stranger.control.sign('job', spec) };
    const diff = await repository.diff(() => fixExample(repository));
    await expect(inspectDiff(installation, { ...admitted, job }, diff)).rejects.toThrow('No control key');
  });
});

describe('a candidate on a base that moved', () => {
  /** Moves main by `change`, then inspects the approved candidate there. What else a request names must not count. */
  async function inspectMoved(
    { control, artifacts, resolveBase, signs }: Installation,
    repository: WorkingCopy,
    { request }: Approved,
    change: Change,
  ) {
    await change(repository);
    repository.commit('Meanwhile');
    const { job, candidate } = request.evidence;
    const other = await repository.diff(() => repository.write('other.py', 'x\n'));
    const moved: InspectRequest = {
      sessionId: request.sessionId,
      job,
      base: await resolveBase(repository),
      patch: await artifacts.put(Buffer.from(other), 'text/x-diff'),
      plan: (await control.plan({ job })).plan,
      candidate,
    };
    const inspection = passed(await control.inspect(moved));
    const report = await signs.control.open('inspection', inspection.report);
    const subject = await control.subject({ ...moved, inspection: inspection.report, report: request.evidence.report });
    return { base: moved.base, inspection, report, subject };
  }

  test('keeps its bytes and its subject; what is signed is about the new base', async () => {
    await withInstallation(async (installation, repository) => {
      const approved = await installation.approved(repository);
      const { request, decision } = approved;
      const { candidate } = request.evidence;
      const bytes = await installation.artifacts.get(candidate);
      const moved = await inspectMoved(installation, repository, approved, write('elsewhere.txt'));
      expect(moved.inspection.candidate).toMatchObject({ digest: candidate, bytes: bytes.length });
      expect(moved.inspection.candidate.files.map(({ path }) => path)).toEqual(['duration.py']);
      expect(await installation.artifacts.get(candidate)).toEqual(bytes);
      expect(moved.report).toMatchObject({ candidate, baseCommit: moved.base.commit, tree: moved.inspection.tree });
      expect(moved.base.commit).not.toBe(request.base.commit);
      const before = await installation.signs.control.open('inspection', request.evidence.inspection);
      expect(moved.inspection.tree).not.toBe(before.tree);
      expect(moved.subject).toBe(decision.subject);
    });
  });

  test('has another subject once one byte beneath it has changed', async () => {
    await withInstallation(async (installation, repository) => {
      const approved = await installation.approved(repository);
      const moved = await inspectMoved(installation, repository, approved, async () => {
        const text = await readFile(join(repository.path, 'duration.py'), 'utf8');
        await repository.write('duration.py', text.replace('as people', 'As people'));
      });
      expect(moved.inspection.candidate.digest).toBe(approved.request.evidence.candidate);
      expect(moved.subject).not.toBe(approved.decision.subject);
    });
  });

  test('is refused where it no longer applies', async () => {
    await withInstallation(async (installation, repository) => {
      const approved = await installation.approved(repository);
      const moved = inspectMoved(installation, repository, approved, () => fixExample(repository));
      await expect(moved).rejects.toMatchObject({ type: 'Patch.Unusable', nonRetryable: true });
    });
  });
});
