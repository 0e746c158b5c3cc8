import { join } from 'node:path';
import { MockActivityEnvironment } from '@temporalio/testing';
import { describe, expect, test } from 'vitest';
import { createDecisionActivities } from '../../activities/decisions.ts';
import { createEvidence } from '../../activities/ports/evidence.ts';
import { sha256 } from '../../artifacts/digest.ts';
import { loadPublicKeys } from '../../artifacts/keys.ts';
import type {
  ControlActivities,
  Decision,
  Digest,
  Envelope,
  PromotionResult,
  PromotionView,
  SignedDecision,
} from '../../temporal/contract/messages.ts';
import { approval, withInstallation } from '../helpers/evidence.ts';
import type { Installation } from '../helpers/evidence.ts';

type Told = Parameters<ControlActivities['verifyReceipt']>[0];

const envelopeOf = async ({ artifacts }: Installation, digest: Digest): Promise<Envelope> =>
  JSON.parse((await artifacts.get(digest)).toString()) as Envelope;

/** A decision as the api sends it. */
async function signed(installation: Installation, decision: Decision): Promise<SignedDecision> {
  const digest = await installation.signs.api.sign('decision', decision);
  return { decision, envelope: await envelopeOf(installation, digest) };
}

const approve = approval('s-1', sha256('subject'));
const retry: Decision = { ...approve, kind: 'retry', gate: 'fallback-1', subject: null };
const refused = { type: 'Decision.Invalid', nonRetryable: true };

describe('a decision', () => {
  test('counts by the digest of its envelope, where the promoter finds it', async () => {
    await withInstallation(async (installation) => {
      const digest = await installation.control.verifyDecision(await signed(installation, approve));
      expect(await installation.signs.promoter.open('decision', digest)).toEqual(approve);
    });
  });

  test.each<[string, Partial<Decision>]>([
    ['kind', { kind: 'reject' }],
    ['gate', { gate: 'approval-2' }],
    ['subject', { subject: sha256('other') }],
    ['actor', { actor: 'eve' }],
    ['expiry', { expiresAt: '2999-01-01T00:00:00.000Z' }],
    ['note', { note: 'more' }],
  ])('whose readable %s is not the signed one is refused', async (_, change) => {
    await withInstallation(async (installation) => {
      const { decision, envelope } = await signed(installation, approve);
      const forged = { decision: { ...decision, ...change }, envelope };
      await expect(installation.control.verifyDecision(forged)).rejects.toMatchObject(refused);
      await expect(installation.control.verifyDecision(forged)).rejects.toThrow('not what the decision says');
    });
  });

  test("by a stranger's key is refused", async () => {
    await withInstallation(async (installation) => {
      const digest = await installation.stranger.api.sign('decision', approve);
      const forged = { decision: approve, envelope: await envelopeOf(installation, digest) };
      await expect(installation.control.verifyDecision(forged)).rejects.toMatchObject(refused);
    });
  });

  test('in an envelope of another kind is refused', async () => {
    await withInstallation(async (installation, repository) => {
      const { request, decision } = await installation.approved(repository);
      for (const digest of [request.evidence.job, request.evidence.report]) {
        const forged = { decision, envelope: await envelopeOf(installation, digest) };
        await expect(installation.control.verifyDecision(forged)).rejects.toMatchObject(refused);
      }
    });
  });

  test('that has not the shape of one is refused', async () => {
    await withInstallation(async (installation) => {
      const { decision, envelope } = await signed(installation, approve);
      const odd = { decision: { ...decision, more: 1 }, envelope };
      await expect(installation.control.verifyDecision(odd)).rejects.toMatchObject(refused);
    });
  });

  test('may name an agent that is here, and no other', async () => {
    await withInstallation(async (installation) => {
      const { verifyDecision } = installation.control;
      await verifyDecision(await signed(installation, { ...retry, agent: 'command' }));
      const unknown = verifyDecision(await signed(installation, { ...retry, agent: 'nobody' }));
      await expect(unknown).rejects.toMatchObject(refused);
      await expect(unknown).rejects.toThrow('There is no agent nobody here; known are command');
    });
  });

  test('may bring an amendment that was uploaded, and no other', async () => {
    await withInstallation(async (installation) => {
      const { verifyDecision } = installation.control;
      const bytes = Buffer.from('a patch');
      const patch = { digest: sha256(bytes), bytes: bytes.length, mediaType: 'text/x-diff' };
      const amend = await signed(installation, { ...retry, kind: 'amend', patch });
      await expect(verifyDecision(amend)).rejects.toMatchObject(refused);
      await expect(verifyDecision(amend)).rejects.toThrow('was never uploaded');
      await installation.artifacts.put(bytes, 'text/x-diff');
      await verifyDecision(amend);
    });
  });
});

test('a decision that cannot be kept now is no refused one: the same step may succeed later', async () => {
  await withInstallation(async (installation) => {
    const full = new Error('The disk is full');
    const artifacts = { ...installation.artifacts, put: () => Promise.reject(full) };
    const keys = loadPublicKeys(join(installation.home, 'keys'));
    const evidence = createEvidence(artifacts, keys, null);
    const { verifyDecision } = createDecisionActivities({ artifacts, evidence, agents: [] });
    await expect(verifyDecision(await signed(installation, approve))).rejects.toBe(full);
  });
});

describe('a receipt', () => {
  const invalid = { type: 'Evidence.Invalid', nonRetryable: true };

  /** Lends what the promoter did on a session's evidence, as the session is told of it. */
  const withPromotion = (use: (installation: Installation, told: Told) => Promise<void>): Promise<void> =>
    withInstallation(async (installation, repository) => {
      const { request } = await installation.approved(repository);
      const { sessionId, evidence } = request;
      const result: PromotionResult = await new MockActivityEnvironment().run(installation.promote, request);
      if (result.kind !== 'promoted') throw new Error(JSON.stringify(result));
      await use(installation, { sessionId, evidence, promotion: result.promotion });
    });

  test('is believed about what the promoter did, and about nothing else', async () => {
    await withPromotion(async ({ control }, told) => {
      await control.verifyReceipt(told);
      const others: Partial<PromotionView>[] = [
        { digest: sha256('other') },
        { mode: 'branch' },
        { ref: 's-other.patch' },
        { commit: 'a'.repeat(40) },
        { baseCommit: 'a'.repeat(40) },
      ];
      for (const other of others) {
        const claim = control.verifyReceipt({ ...told, promotion: { ...told.promotion, ...other } });
        await expect(claim, JSON.stringify(other)).rejects.toMatchObject(invalid);
      }
    });
  });

  test('of another session is not believed, though the promoter signed it', async () => {
    await withPromotion(async ({ control }, told) => {
      await expect(control.verifyReceipt({ ...told, sessionId: 's-other' })).rejects.toMatchObject(invalid);
    });
  });

  test('on other evidence than was given is not believed, though it is of this session', async () => {
    await withPromotion(async ({ control }, told) => {
      const others: Partial<Told['evidence']>[] = [
        { job: sha256('other') },
        { candidate: sha256('other') },
        { inspection: sha256('other') },
        { report: sha256('other') },
        { decisions: [] },
      ];
      for (const other of others) {
        const claim = control.verifyReceipt({ ...told, evidence: { ...told.evidence, ...other } });
        await expect(claim, JSON.stringify(other)).rejects.toMatchObject(invalid);
      }
    });
  });

  test('by a stranger, or of another kind, is not believed', async () => {
    await withPromotion(async ({ control, signs, stranger }, told) => {
      const genuine = await signs.control.open('receipt', told.promotion.receipt);
      const forged = await stranger.promoter.sign('receipt', genuine);
      for (const receipt of [forged, told.evidence.report, sha256('nothing')]) {
        const claim = control.verifyReceipt({ ...told, promotion: { ...told.promotion, receipt } });
        await expect(claim).rejects.toMatchObject(invalid);
      }
    });
  });
});
