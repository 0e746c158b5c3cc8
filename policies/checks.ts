/** Which checks a job has to pass: everybody's, none in place of another's. */
import type { Check, PolicyBundle } from '../temporal/contract/policy.ts';
import type { JobSpec } from '../temporal/contract/job.ts';

type JobCheck = JobSpec['checks'][number];

/**
 * Policy's checks and the request's, strongest first, with images filled in (`image` is the job's sandbox image). Equal
 * checks are one. A report names checks by id, so where two different ones share an id, the weaker one's gets a number:
 * both run, both have to pass, and neither can answer for the other.
 */
export function resolveChecks(bundle: PolicyBundle, requested: readonly Check[], image: string): JobCheck[] {
  const asked: JobCheck[] = [
    ...(['org', 'repository', 'session'] as const).flatMap((origin) =>
      bundle.checks
        .filter(({ layer }) => layer === origin)
        .map(({ layer: _, ...check }) => ({ ...check, image: check.image ?? image, origin })),
    ),
    ...requested.map((check) => ({ ...check, image: check.image ?? image, origin: 'job' as const })),
  ];
  const taken = new Map<string, JobCheck>();
  const seen = new Set<string>();
  for (const check of asked) {
    const content = JSON.stringify([check.id, check.argv, check.image, check.files.toSorted()]);
    if (seen.has(content)) continue;
    seen.add(content);
    const id = freeId(check.id, taken);
    taken.set(id, { ...check, id });
  }
  return [...taken.values()];
}

/** Ids are at most 64 characters, the number included. */
function freeId(id: string, taken: ReadonlyMap<string, unknown>): string {
  if (!taken.has(id)) return id;
  for (let n = 2; ; n++) {
    const suffix = `-${n}`;
    const candidate = `${id.slice(0, 64 - suffix.length).replace(/-+$/, '')}${suffix}`;
    if (!taken.has(candidate)) return candidate;
  }
}
