/** Findings of one derivation: collected, ordered, and never more than history takes. */
import type { Finding } from '../../../temporal/contract/messages.ts';
import { byGravity, maxFindings } from '../../../temporal/contract/messages.ts';
import { shownPath } from './names.ts';

export interface Findings {
  deny(rule: string, message: string, path?: string): void;
  review(rule: string, message: string, path?: string): void;
  info(rule: string, message: string): void;
  readonly denied: boolean;
  /** The gravest first; what does not fit is counted. */
  list(): Finding[];
}

/** `path` is a byte path; it is made fit to be shown. */
export function createFindings(): Findings {
  const findings: Finding[] = [];
  let dropped = 0;
  const add = (severity: Finding['severity'], rule: string, message: string, path?: string): void => {
    // A hostile tree has any number of them; the first of each severity tell the story.
    if (findings.filter((finding) => finding.severity === severity).length >= maxFindings) dropped++;
    else findings.push({ severity, rule, message, ...(path === undefined ? {} : { path: shownPath(path) }) });
  };
  return {
    deny: (rule, message, path) => add('deny', rule, message, path),
    review: (rule, message, path) => add('review', rule, message, path),
    info: (rule, message) => add('info', rule, message),
    get denied() {
      return findings.some(({ severity }) => severity === 'deny');
    },
    list: () => {
      const sorted = byGravity(findings);
      if (sorted.length + dropped <= maxFindings) return sorted;
      const shown = sorted.slice(0, maxFindings - 1);
      const message = `${sorted.length + dropped - shown.length} more findings are not shown`;
      return [
        ...shown,
        {
          severity: shown.every(({ severity }) => severity === 'deny') ? 'deny' : 'info',
          rule: 'worktree.findings',
          message,
        },
      ];
    },
  };
}
