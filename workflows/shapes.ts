/**
 * Whoever reaches Temporal can send a workflow anything, and a person mistypes. A handler that throws on a rubbish message
 * fails its task, for ever and whatever else is asked, so handlers look here before they believe a message's type.
 */
import type { Finding, PromotionAnswer, PromotionRequest } from '../temporal/contract/messages.ts';

/** An object with texts in these fields. */
export function hasTexts(value: unknown, ...fields: readonly string[]): boolean {
  const given = value as Readonly<Record<string, unknown>> | null | undefined;
  return typeof given === 'object' && given !== null && fields.every((field) => typeof given[field] === 'string');
}

export const isPromotionRequest = (given: PromotionRequest): boolean =>
  hasTexts(given, 'id', 'sessionId') &&
  hasTexts(given.target, 'key', 'repository', 'mode') &&
  hasTexts(given.base, 'commit', 'tree') &&
  hasTexts(given.evidence, 'job', 'candidate', 'inspection', 'report') &&
  Array.isArray(given.evidence.decisions);

export function isPromotionAnswer(given: PromotionAnswer): boolean {
  if (!hasTexts(given, 'id') || !hasTexts(given.result, 'kind')) return false;
  const { result } = given;
  switch (result.kind) {
    case 'promoted':
      return hasTexts(result.promotion, 'receipt');
    case 'base_moved':
      return hasTexts(result, 'commit');
    case 'refused':
      return Array.isArray(result.findings) && result.findings.every(isFinding);
    case 'unknown':
      return hasTexts(result, 'message');
    case 'withdrawn':
      return true;
    default:
      return false;
  }
}

const isFinding = (given: Finding): boolean => hasTexts(given, 'severity', 'rule', 'message');
