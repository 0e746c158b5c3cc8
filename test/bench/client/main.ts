/** The bench's client: a process of its own, so that what it costs is not counted as anybody else's. */
import { readFileSync } from 'node:fs';
import { answerParent, childArgument } from '../child.ts';
import { inTurns } from './in-turns.ts';
import { openGate, promoteSession } from './sessions.ts';
import type { Job } from './sessions.ts';

export interface ClientQuestion {
  readonly until: 'promoted' | 'gate';
  readonly count: number;
  readonly atOnce: number;
}

export interface ClientArgument {
  readonly url: string;
  /** The token itself would show in the list of processes. */
  readonly tokenFile: string;
  readonly job: Job;
}

const { url, tokenFile, job } = childArgument<ClientArgument>();
const api = { url, token: readFileSync(tokenFile, 'utf8').trim() };
const work = { promoted: promoteSession, gate: openGate };

answerParent<ClientQuestion>(({ until, count, atOnce }) => inTurns(count, atOnce, () => work[until](api, job)));
