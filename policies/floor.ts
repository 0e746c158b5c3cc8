/** The promoter's own floor: what it refuses whatever anybody signed. It comes from its own configuration. */
import { z } from 'zod';
import { promotionModeSchema } from '../temporal/contract/policy.ts';
import { locationProblem } from './globs.ts';
import { parseYaml } from './yaml.ts';

export const floorSchema = z.strictObject({
  apiVersion: z.literal('aas.dev/v1'),
  kind: z.literal('PromoterFloor'),
  /** Canonical locations (absolute paths, URLs) it may write to, exactly or as globs. */
  repositories: z.array(z.string().min(1).max(1024)).max(1000),
  modes: z.array(promotionModeSchema).max(2),
  /** Nothing is published without a person's decision: never 0. */
  minApprovals: z.int().min(1).max(10),
  /** Whose jobs it promotes; `personal` lets the one user of a laptop approve what they asked for. */
  profiles: z.array(z.enum(['personal', 'team'])).max(2),
});
export type Floor = z.infer<typeof floorSchema>;

/** Parses the floor's YAML. Throws an `Error` for the operator: a promoter without a floor must not start. */
export function parseFloor(text: string): Floor {
  try {
    const floor = floorSchema.parse(parseYaml(text));
    const problem = floor.repositories.map(locationProblem).find((found) => found !== null);
    if (problem !== undefined) throw new Error(problem);
    return floor;
  } catch (error) {
    const reason =
      error instanceof z.ZodError ? z.prettifyError(error) : error instanceof Error ? error.message : String(error);
    throw new Error(`The promoter's floor cannot be used, so nothing is promoted: ${reason}`, { cause: error });
  }
}
