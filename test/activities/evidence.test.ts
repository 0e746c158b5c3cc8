import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createEvidence } from '../../activities/ports/evidence.ts';
import type { Evidence } from '../../activities/ports/evidence.ts';
import type { ArtifactStore } from '../../artifacts/artifact-store.ts';
import { canonicalJson, sha256 } from '../../artifacts/digest.ts';
import { openArtifactDirectory } from '../../artifacts/directory-artifact-store.ts';
import { EnvelopeInvalid, sign } from '../../artifacts/envelope.ts';
import { createKeys, loadPublicKeys, loadSigner } from '../../artifacts/keys.ts';
import type { CheckReport, Role } from '../../temporal/contract/evidence.ts';
import { payloadTypes } from '../../temporal/contract/evidence.ts';
import type { Envelope } from '../../temporal/contract/messages.ts';
import { approval } from '../helpers/evidence.ts';

let home: string;
let artifacts: ArtifactStore;
let evidenceOf: (role: Role | null) => Evidence;
beforeAll(async () => {
  home = await mkdtemp(join(tmpdir(), 'aas-evidence-'));
  for (const keys of ['keys', 'stranger']) createKeys(join(home, keys));
  artifacts = openArtifactDirectory(join(home, 'artifacts'));
  const keys = join(home, 'keys');
  evidenceOf = (role) => createEvidence(artifacts, loadPublicKeys(keys), role && loadSigner(keys, role));
});
afterAll(() => rm(home, { recursive: true }));

const decision = approval('s-1', sha256('subject'));
const report: CheckReport = {
  type: 'aas.dev/check-report/v1',
  session: 's-1',
  job: sha256('job'),
  candidate: sha256('candidate'),
  baseCommit: 'a'.repeat(40),
  tree: 'b'.repeat(40),
  verdict: 'pass',
  checks: [],
  validator: { hostId: 'h', engine: 'e' },
  finishedAt: '2026-01-01T00:00:00.000Z',
};
const signer = (role: Role, keys = 'keys') => loadSigner(join(home, keys), role);
const digestIn = (envelope: Envelope) => sha256(canonicalJson(envelope));

describe('an envelope at hand', () => {
  test('is opened, and kept where it is found by its digest', async () => {
    const envelope = sign(decision, payloadTypes.decision, signer('api'));
    const kept = await evidenceOf(null).keep('decision', envelope);
    expect(kept).toEqual({ payload: decision, digest: digestIn(envelope) });
    expect(await evidenceOf('promoter').open('decision', kept.digest)).toEqual(decision);
  });

  test.each<[string, () => Envelope]>([
    ['that a stranger signed', () => sign(decision, payloadTypes.decision, signer('api', 'stranger'))],
    [
      'that another role signed as if it were its own',
      () => sign(decision, payloadTypes.decision, { ...signer('control'), role: 'api' }),
    ],
    [
      'that was changed since',
      () => ({
        ...sign(decision, payloadTypes.decision, signer('api')),
        payload: Buffer.from(canonicalJson({ ...decision, actor: 'eve' })).toString('base64'),
      }),
    ],
    ['that nobody signed', () => ({ ...sign(decision, payloadTypes.decision, signer('api')), signatures: [] })],
    ['of another kind', () => sign(report, payloadTypes.report, signer('validator'))],
    [
      'of another kind that calls itself this one',
      () => ({ ...sign(report, payloadTypes.report, signer('validator')), payloadType: payloadTypes.decision }),
    ],
  ])('%s is refused and not kept', async (_, make) => {
    const envelope = make();
    await expect(evidenceOf('control').keep('decision', envelope)).rejects.toThrow(EnvelopeInvalid);
    expect(await artifacts.has(digestIn(envelope))).toBe(false);
  });
});

describe('evidence by digest', () => {
  test('opens as the kind it was signed as, and as no other', async () => {
    const digest = await evidenceOf('validator').sign('report', report);
    expect(await evidenceOf('control').open('report', digest)).toEqual(report);
    for (const kind of ['job', 'inspection', 'decision', 'receipt'] as const)
      await expect(evidenceOf('control').open(kind, digest)).rejects.toThrow(EnvelopeInvalid);
  });

  test('that a stranger signed does not open', async () => {
    const keys = join(home, 'stranger');
    const stranger = createEvidence(artifacts, loadPublicKeys(keys), loadSigner(keys, 'validator'));
    const digest = await stranger.sign('report', report);
    await expect(evidenceOf('control').open('report', digest)).rejects.toThrow('No validator key');
  });

  test('that is no envelope at all does not open', async () => {
    const { digest } = await artifacts.put(Buffer.from(JSON.stringify(report)), 'application/json');
    await expect(evidenceOf('control').open('report', digest)).rejects.toThrow(EnvelopeInvalid);
  });
});

test('a process signs with its own key for its own role only', async () => {
  await expect(evidenceOf(null).sign('report', report)).rejects.toThrow('holds no key');
  await expect(evidenceOf('control').sign('report', report)).rejects.toThrow('that is for validator');
});
