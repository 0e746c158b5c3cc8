import type { Plan } from '../../temporal/contract/messages.ts';
import type { JobSpec } from '../../temporal/contract/job.ts';

/** Turns goal and job into a plan. A plan narrows what job and policy allow; it never widens it. */
export interface Planner {
  plan(job: JobSpec): Promise<Plan>;
}

/** The plan that the job itself states: run its one command, expect its paths, run its checks. */
export const fixedPlanner: Planner = {
  plan: async (job) => ({
    planner: 'fixed',
    steps: [`Run ${job.agent.argv.join(' ')}`.slice(0, 500)],
    hand: job.agent.name,
    paths: job.paths,
    checks: job.checks.map(({ id }) => id),
  }),
};
