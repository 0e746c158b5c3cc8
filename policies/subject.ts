/** What a decision is about. Staleness is inequality of subjects and nothing else. */
import type { CheckReport, InspectionReport } from '../temporal/contract/evidence.ts';
import type { Digest } from '../temporal/contract/messages.ts';

export interface SubjectFacts {
  readonly candidate: Digest;
  /** Path, mode and blob id on the base of every file the candidate touches. */
  readonly baseContent: InspectionReport['baseContent'];
  readonly job: Digest;
  readonly bundleDigest: Digest;
  readonly checks: CheckReport['checks'];
}

/**
 * The value whose digest (SHA-256 of its RFC 8785 bytes) is the subject. No times, no logs and no base commit: an
 * unrelated move of the base leaves it equal, one changed byte under a touched file does not.
 */
export const subjectOf = ({ candidate, baseContent, job, bundleDigest, checks }: SubjectFacts) => ({
  type: 'aas.dev/subject/v1',
  candidate,
  baseContent: baseContent.map(({ path, mode, oid }) => ({ path, mode, oid })).toSorted(by(({ path }) => path)),
  job,
  bundleDigest,
  checks: checks
    .map(({ id, argv, image, verdict, exitCode }) => ({ id, argv, image, verdict, exitCode }))
    .toSorted(by(({ id }) => id)),
});

/** By code units, the same in every locale. */
const by =
  <T>(key: (value: T) => string) =>
  (a: T, b: T): number =>
    key(a) < key(b) ? -1 : key(a) > key(b) ? 1 : 0;
