/** How judges speak: findings with stable rule ids, the gravest first. */
import type { Finding } from '../temporal/contract/messages.ts';

const finding =
  (severity: Finding['severity']) =>
  (rule: string, message: string, path?: string): Finding => ({
    severity,
    rule,
    message,
    ...(path !== undefined && { path }),
  });

/** Stops the candidate. */
export const deny = finding('deny');
/** A badge for the person who decides. */
export const review = finding('review');
/** A fact. */
export const info = finding('info');

export const denies = (findings: readonly Finding[]): boolean => findings.some(({ severity }) => severity === 'deny');

const gravity = { deny: 0, review: 1, info: 2 } as const;

/** Denials first, otherwise as they came: whoever keeps only the first fifty keeps the reason for a refusal. */
export const byGravity = (findings: readonly Finding[]): Finding[] =>
  findings.toSorted((a, b) => gravity[a.severity] - gravity[b.severity]);
