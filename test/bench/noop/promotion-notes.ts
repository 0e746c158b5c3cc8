/** When a decision was made, and when the promotion it allowed reached its step: two clocks of one machine. */
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { openArtifactDirectory } from '../../../artifacts/directory-artifact-store.ts';
import { decisionSchema, envelopeSchema } from '../../../temporal/contract/evidence.ts';
import type { Digest } from '../../../temporal/contract/messages.ts';
import type { Config } from '../../../temporal/config.ts';

export interface PromotionNote {
  readonly sessionId: string;
  readonly atMs: number;
  readonly decision: Digest | null;
}

type Home = Pick<Config, 'paths'>;

export const noteFile = ({ paths }: Home): string => join(paths.run, 'promotions.jsonl');

/**
 * Milliseconds from the API having parsed a decision, which is when it dates and signs it, to the promote step's first
 * line, for each of these sessions.
 */
export async function decisionDelays(config: Home, sessions: ReadonlySet<string>): Promise<number[]> {
  const artifacts = openArtifactDirectory(config.paths.artifacts);
  const lines = (await readFile(noteFile(config), 'utf8')).trim().split('\n');
  const notes = lines
    .map((line) => JSON.parse(line) as PromotionNote)
    .filter(({ sessionId }) => sessions.has(sessionId));
  return Promise.all(
    notes.map(async ({ atMs, decision, sessionId }) => {
      if (decision === null) throw new Error(`Session ${sessionId} was promoted without a decision`);
      const { payload } = envelopeSchema.parse(JSON.parse((await artifacts.get(decision)).toString()));
      const { decidedAt } = decisionSchema.parse(JSON.parse(Buffer.from(payload, 'base64').toString()));
      return atMs - Date.parse(decidedAt);
    }),
  );
}
