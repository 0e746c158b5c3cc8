/** Names of runs: of the container, the worktree, the result and the stream of output, made in one place. */
import { createHash } from 'node:crypto';
import { failures } from '../../../temporal/contract/messages.ts';
import type { RunRequest, ValidateRequest } from '../../../temporal/contract/messages.ts';
import { refusal } from '../../failures.ts';

export interface RunNames {
  readonly name: string;
  readonly stream: string;
}

/** One container per placement: a round that moved to another host is another run, with output of its own. */
export function roundNames({ sessionId, round, placement }: RunRequest): RunNames {
  const moved = placement === 1 ? '' : `-${placement}`;
  return { name: tame(`aas-${sessionId}-r${round}-p${placement}`), stream: `round-${round}${moved}` };
}

/** One container per check, base and candidate: the same question asked again has the same answer. */
export function checkNames(request: ValidateRequest, check: string): RunNames {
  const { sessionId, round, base, candidate, tree, job } = request;
  const question = [round, base.commit, candidate, tree, job].join(' ');
  const short = createHash('sha256').update(question).digest('hex').slice(0, 8);
  return { name: tame(`aas-${sessionId}-${short}-${check}`), stream: `check-${check}-${short}` };
}

/** Names become paths on the host, and their parts come from whoever reaches Temporal. */
export function tame(name: string): string {
  if (/^[a-zA-Z0-9][a-zA-Z0-9_-]{0,199}$/.test(name)) return name;
  throw refusal(
    failures.badInput,
    `${JSON.stringify(name.slice(0, 100))} cannot name a sandbox: expected letters and digits`,
  );
}
