/** How judges speak: findings with stable rule ids. */
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
