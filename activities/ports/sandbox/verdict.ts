/** How a run ended, from facts alone, so that two attempts that see the same facts say the same. */
import type { RunVerdict } from '../../../temporal/contract/messages.ts';

/** Why we killed the container; the first reason stays. */
export type Ending = 'timeout' | 'output_limit' | 'cancelled';

export interface EndFacts {
  readonly ending: Ending | null;
  readonly exitCode: number;
  /** Whether the kernel or the engine says that something in the container ran out of memory. */
  readonly outOfMemory: boolean;
  readonly overOutputLimit: boolean;
  readonly endedAtMs: number;
  readonly deadlineMs: number | null;
}

/** 128 + SIGKILL: by us, by the kernel for memory, or by whoever may. */
export const killedCode = 137;

export function verdictOf(facts: EndFacts): RunVerdict {
  if (facts.ending === 'cancelled') return 'cancelled';
  if (facts.overOutputLimit) return 'output_limit';
  // A command that answered in the last moment has answered; running out of memory in a child is its own affair.
  if (facts.exitCode !== killedCode) return 'exited';
  // Another attempt, or the ceiling inside, may have ended it: the clock says so, too.
  if (facts.ending === 'timeout' || (facts.deadlineMs !== null && facts.endedAtMs >= facts.deadlineMs))
    return 'timeout';
  return facts.outOfMemory ? 'oom' : 'killed';
}
