/** Admission over real repositories: whose word counts in a job, and that a refused request makes none. */
import { describe, expect, test } from 'vitest';
import { digestOf } from '../../artifacts/digest.ts';
import type { Admission } from '../../temporal/contract/messages.ts';
import { withInstallation } from '../helpers/evidence.ts';
import type { WorkingCopy } from '../helpers/example.ts';

const argv = ['true'];
const checks = [{ id: 'unit', argv }];
const head = (layer: 'repository' | 'session') =>
  ({ apiVersion: 'aas.dev/v1', kind: 'Policy', metadata: { name: 'mine', layer, revision: 1 } }) as const;
const sessionLayer = (fields: object) => ({ ...head('session'), ...fields });

const layerPath = '.aas/policy.yaml';
/** Commits another layer of the repository's own: an object as one that parses, or any text. */
async function commitLayer(repository: WorkingCopy, layer: object | string): Promise<void> {
  const text = typeof layer === 'string' ? layer : JSON.stringify({ ...head('repository'), ...layer });
  await repository.write(layerPath, text);
  repository.commit('Another policy');
}

const rulesOf = ({ findings }: Admission) => findings.map(({ severity, rule }) => `${severity} ${rule}`);

function admittedJob(admission: Admission) {
  if (admission.verdict !== 'admitted') throw new Error(JSON.stringify(admission));
  return admission.job;
}

describe('a request that policy denies makes no job', () => {
  test.each<[string, object, string]>([
    ['an agent nobody allowed', { agent: { name: 'other', argv } }, 'deny agents.allow'],
    ['an agent the session forbids itself', { policy: sessionLayer({ agents: { allow: [] } }) }, 'deny agents.allow'],
    ['an image nobody allowed', { agent: { argv, image: 'evil:1' } }, 'deny images.allow'],
    ["a check's image", { checks: [{ id: 'unit', argv, image: 'evil:1' }] }, 'deny images.allow'],
    [
      'a mode the session forbids itself',
      { promotion: { mode: 'branch' }, policy: sessionLayer({ promotion: { modes: ['patch'] } }) },
      'deny promotion.modes',
    ],
    ['no check at all', { checks: [] }, 'deny checks.none'],
    ['a glob that cannot work', { paths: ['src/'] }, 'deny paths.glob'],
  ])('%s', async (_, change, expected) => {
    await withInstallation(async ({ control, ask, resolveBase }, repository) => {
      await commitLayer(repository, {});
      const input = await ask(repository, { checks, ...change });
      const admission = await control.admit({ input, base: await resolveBase(repository) });
      expect(admission.verdict).toBe('refused');
      expect(rulesOf(admission).filter((rule) => rule.startsWith('deny'))).toEqual([expected]);
      expect(Object.keys(admission).sort()).toEqual(['bundleDigest', 'findings', 'verdict']);
    });
  });
});

describe('the layer of the repository', () => {
  test.each([
    ['that is no YAML', 'a: ['],
    ['with a field nobody knows', JSON.stringify({ ...head('repository'), limit: {} })],
    [
      'that calls itself the org layer',
      JSON.stringify({ ...head('repository'), metadata: { name: 'x', layer: 'org', revision: 1 } }),
    ],
    ['that is empty', ''],
  ])('%s refuses every session on that base', async (_, text) => {
    await withInstallation(async ({ control, ask, resolveBase }, repository) => {
      await commitLayer(repository, text);
      const admission = await control.admit({
        input: await ask(repository, { checks }),
        base: await resolveBase(repository),
      });
      expect(admission).toMatchObject({ verdict: 'refused', bundleDigest: null });
      expect(rulesOf(admission)).toEqual(['deny policy.unparsable']);
    });
  });

  test('counts as it is at the base commit: not in the working tree, not later, not earlier', async () => {
    await withInstallation(async ({ control, ask, resolveBase }, repository) => {
      const input = await ask(repository, { checks });
      const roundsOn = async (base: Awaited<ReturnType<typeof resolveBase>>) =>
        admittedJob(await control.admit({ input, base })).maxRounds;
      await commitLayer(repository, { limits: { maxRounds: 2 } });
      await repository.write(layerPath, JSON.stringify({ ...head('repository'), limits: { maxRounds: 1 } }));
      const first = await resolveBase(repository);
      expect(await roundsOn(first)).toBe(2);
      repository.commit('Stricter');
      const second = await resolveBase(repository);
      expect(await roundsOn(second)).toBe(1);
      expect(await roundsOn(first)).toBe(2);

      await commitLayer(repository, 'a: [');
      const broken = await control.admit({ input, base: await resolveBase(repository) });
      expect(rulesOf(broken)).toEqual(['deny policy.unparsable']);
      expect(await roundsOn(second)).toBe(1);
    });
  });

  test('says nothing where there is none', async () => {
    await withInstallation(async ({ admitted, signs }, repository) => {
      repository.git('rm', '--quiet', layerPath);
      repository.commit('No policy of its own');
      const { job } = await admitted(repository, { checks });
      const spec = await signs.control.open('job', job.digest);
      expect(spec.policy.bundle.layers.map(({ layer }) => layer)).toEqual(['org']);
      expect(job.maxRounds).toBe(3);
    });
  });
});

describe('the job', () => {
  test('has what each layer takes away, and the session its own', async () => {
    await withInstallation(async ({ admitted, signs }, repository) => {
      await commitLayer(repository, {
        limits: { maxRounds: 2, maxFiles: 7 },
        gates: { plan: true, approvals: 2 },
        checks: { required: [{ id: 'base', argv }] },
      });
      const policy = sessionLayer({
        limits: { maxFiles: 4, checkMs: 1000, runMs: 9000 },
        paths: { deny: ['secret/**'] },
        deadlines: { approvalMs: 5000 },
      });
      const { job, sessionId } = await admitted(repository, { checks, policy });
      expect(job).toMatchObject({
        planGate: true,
        approvals: 2,
        maxRounds: 2,
        deadlines: { approvalMs: 5000, planMs: 259_200_000 },
        timings: { hostLostAfterMs: 1000, heartbeatMs: 1000, runMs: 9000, validateMs: 2000 },
      });
      const spec = await signs.control.open('job', job.digest);
      expect(spec).toMatchObject({
        session: sessionId,
        requester: 'ada',
        profile: 'personal',
        limits: { maxFiles: 4 },
      });
      expect(spec.checks.map(({ id, origin }) => `${origin} ${id}`)).toEqual(['repository base', 'job unit']);
      const { bundle, digest } = spec.policy;
      expect(bundle.layers.map(({ layer }) => layer).sort()).toEqual(['org', 'repository', 'session']);
      expect(bundle.paths.deny).toContain('secret/**');
      expect([digest, job.bundleDigest]).toEqual([digestOf(bundle), digestOf(bundle)]);
    });
  });

  test('asks for no plan gate and three rounds where policy ships as it is', async () => {
    await withInstallation(async ({ admitted }, repository) => {
      const { job } = await admitted(repository);
      expect(job).toMatchObject({ planGate: false, approvals: 1, maxRounds: 3, profile: 'personal' });
    });
  });

  test('P1: wants a person even where the org layer wants none', async () => {
    await withInstallation(
      async ({ admitted }, repository) => {
        expect((await admitted(repository)).job.approvals).toBe(1);
      },
      { orgLayer: (shipped) => shipped.replace('approvals: 1', 'approvals: 0') },
    );
  });

  test('follows the org layer as it is now, and a broken one refuses', async () => {
    let change = (shipped: string) => shipped;
    await withInstallation(
      async ({ control, ask, resolveBase }, repository) => {
        const request = { input: await ask(repository), base: await resolveBase(repository) };
        expect(admittedJob(await control.admit(request)).maxRounds).toBe(3);
        change = (shipped) => shipped.replace('maxRounds: 3', 'maxRounds: 1');
        expect(admittedJob(await control.admit(request)).maxRounds).toBe(1);
        change = (shipped) => shipped.replace('maxRounds: 3', '');
        expect(rulesOf(await control.admit(request))).toEqual(['deny policy.unparsable']);
      },
      { orgLayer: (shipped) => change(shipped) },
    );
  });
});

describe('the plan', () => {
  test.each([[['duration.py']], [[]], [null]])('expects the paths %j, as the job does', async (paths) => {
    await withInstallation(async ({ admitted, control }, repository) => {
      const { job, plan } = await admitted(repository, { paths });
      expect(plan).toMatchObject({ paths, hand: 'command', checks: ['unittest'] });
      // What a person says yes to at the plan gate: this plan of this job.
      expect((await control.plan({ job: job.digest })).subject).toBe(digestOf({ job: job.digest, plan }));
    });
  });
});
