/** An admitted job, as control would have made it, for steps that are given one. */
import type { JobSpec } from '../../../temporal/contract/job.ts';
import type { Base } from '../../../temporal/contract/messages.ts';
import { image, limits, mebibyte } from './sandbox-host.ts';

const fullLimits: JobSpec['limits'] = {
  ...limits,
  maxRounds: 3,
  runMs: 60_000,
  checkMs: 60_000,
  maxFiles: 100,
  maxFileBytes: mebibyte,
  maxPatchBytes: mebibyte,
};

export const check = (id: string, argv: readonly string[]): JobSpec['checks'][number] => ({
  id,
  argv: [...argv],
  image,
  files: [],
  origin: 'job',
});

export function jobSpec(
  base: Base,
  over: { session: string; argv?: readonly string[]; checks?: JobSpec['checks'] },
): JobSpec {
  const { session, argv = ['true'], checks = [check('tests', ['true'])] } = over;
  const { repositoryKey, repository, ref, commit, tree, bundle } = base;
  return {
    type: 'aas.dev/job/v1',
    session,
    requester: 'someone',
    profile: 'personal',
    createdAt: '2026-01-02T03:04:05Z',
    goal: 'make it work',
    source: { repositoryKey, repository, ref, commit, tree, bundle },
    target: { key: `${repositoryKey}#${ref}`, repository, ref, mode: 'patch' },
    agent: { name: 'command', argv: [...argv], image },
    checks,
    paths: null,
    limits: fullLimits,
    policy: {
      digest: `sha256:${'0'.repeat(64)}`,
      bundle: {
        apiVersion: 'aas.dev/v1',
        kind: 'PolicyBundle',
        layers: [],
        limits: fullLimits,
        paths: { allow: [], deny: [], protected: [], open: [] },
        agents: ['command'],
        images: [image],
        modes: ['patch'],
        checks: [],
        gates: { plan: false, approvals: 1 },
        deadlines: { planMs: 1000, approvalMs: 1000, fallbackMs: 1000 },
      },
    },
  };
}
