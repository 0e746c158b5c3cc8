import { readFile, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readCandidate } from '../../activities/ports/git/candidate.ts';
import { createBaseRepositories } from '../../activities/ports/git/base-repositories.ts';
import { openPatchOutbox } from '../../activities/ports/patch-outbox.ts';
import { createPromotionWriter } from '../../activities/ports/promotion-writer.ts';
import type { Promotion } from '../../activities/ports/promotion-writer.ts';
import type { PromotionMode } from '../../temporal/contract/messages.ts';
import { withInstallation } from '../helpers/evidence.ts';
import type { Installation } from '../helpers/evidence.ts';
import type { WorkingCopy } from '../helpers/example.ts';
import { plainGit, temporaryFolder } from '../helpers/repositories.ts';

const invalid = { type: 'Evidence.Invalid', nonRetryable: true };

/** A promotion ready to be written, and a writer with an outbox of its own. */
async function openWriter({ approved, artifacts, home }: Installation, copy: WorkingCopy, mode: PromotionMode) {
  const { request } = await approved(copy, { promotion: { mode } });
  const { target, base, sessionId, evidence } = request;
  const repository = await createBaseRepositories(join(home, 'writer'), artifacts).open(base);
  const candidate = await artifacts.get(evidence.candidate);
  const tree = await repository.applyDiff(readCandidate(candidate).diff);
  const promotion: Promotion = {
    ...{ target, base, sessionId, candidate, repository, tree },
    digest: evidence.candidate,
  };
  const folder = await temporaryFolder();
  return { promotion, folder, writer: createPromotionWriter(openPatchOutbox(folder)) };
}

test.each<PromotionMode>(['patch', 'branch'])(
  'as a %s, it finds nothing, writes, and then finds that',
  async (mode) => {
    await withInstallation(async (installation, copy) => {
      const { writer, promotion } = await openWriter(installation, copy, mode);
      expect(await writer.head(promotion.target)).toBe(promotion.base.commit);
      expect(await writer.find(promotion)).toBeNull();
      const written = await writer.write(promotion);
      expect(await writer.find(promotion)).toEqual(written);
      expect(await writer.write(promotion)).toEqual(written);
    });
  },
);

test('another patch in the place of a promotion is refused, and stays', async () => {
  await withInstallation(async (installation, copy) => {
    const { writer, promotion, folder } = await openWriter(installation, copy, 'patch');
    const file = join(folder, `${promotion.sessionId}.patch`);
    await writeFile(file, 'another patch');
    await expect(writer.find(promotion)).rejects.toMatchObject(invalid);
    await expect(writer.write(promotion)).rejects.toMatchObject(invalid);
    expect(await readFile(file, 'utf8')).toBe('another patch');
  });
});

test('another branch in the place of a promotion is refused, and stays', async () => {
  await withInstallation(async (installation, copy) => {
    const { writer, promotion } = await openWriter(installation, copy, 'branch');
    copy.git('branch', `aas/${promotion.sessionId}`);
    await expect(writer.find(promotion)).rejects.toMatchObject(invalid);
    await expect(writer.write(promotion)).rejects.toMatchObject(invalid);
    expect(copy.git('rev-parse', `aas/${promotion.sessionId}`).trim()).toBe(promotion.base.commit);
  });
});

test('another repository in the place of the target is refused, though it has the same commits', async () => {
  await withInstallation(async (installation, copy) => {
    const { writer, promotion } = await openWriter(installation, copy, 'branch');
    const moved = join(installation.home, 'moved');
    await rename(copy.path, moved);
    await plainGit(installation.home, 'clone', '--quiet', moved, copy.path);
    const refs = copy.git('for-each-ref');
    for (const step of ['find', 'write'] as const) await expect(writer[step](promotion)).rejects.toMatchObject(invalid);
    await expect(writer.head(promotion.target)).rejects.toMatchObject(invalid);
    await expect(writer.head(promotion.target)).rejects.toThrow('is now another repository');
    expect(copy.git('for-each-ref')).toBe(refs);
  });
});

test('a commit that nothing can move has no head, wherever its repository is by now', async () => {
  await withInstallation(async (installation, copy) => {
    const { writer, promotion } = await openWriter(installation, copy, 'patch');
    expect(await writer.head({ ...promotion.target, repository: '/nowhere', ref: null })).toBeNull();
  });
});
