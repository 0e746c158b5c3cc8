import type { z } from 'zod';
import { OperationError } from './errors.ts';
import type { InputIssue } from './errors.ts';

/** Parses what came through a door. Throws `input.invalid` with one issue for each wrong place. */
export function parseInput<T extends z.ZodType>(schema: T, input: unknown, what: string): z.output<T> {
  const parsed = schema.safeParse(input);
  if (parsed.success && isWellFormed(parsed.data)) return parsed.data;
  const issues = parsed.error?.issues.flatMap(describeIssue).slice(0, 20) ?? [notUnicode];
  const shown = issues.slice(0, 3).map(({ pointer, message }) => (pointer === '' ? message : `${pointer}: ${message}`));
  throw new OperationError('input.invalid', `${what} cannot be used: ${shown.join('; ')}`, {
    next: 'Correct it and send it again; /docs shows what each field takes',
    issues,
  });
}

const notUnicode: InputIssue = {
  pointer: '',
  rule: 'input.not_unicode',
  message: 'it holds text that is not valid Unicode',
};

/** A lone surrogate has no UTF-8 form: it could be neither kept nor signed. */
function isWellFormed(value: unknown): boolean {
  if (typeof value === 'string') return value.isWellFormed();
  return typeof value !== 'object' || value === null || Object.values(value).every(isWellFormed);
}

function describeIssue(issue: z.core.$ZodIssue): InputIssue[] {
  if (issue.code === 'unrecognized_keys') {
    return issue.keys.map((key) => ({
      pointer: toPointer([...issue.path, key]),
      rule: 'input.unknown_field',
      message: `there is no field ${JSON.stringify(key.slice(0, 80))}`,
    }));
  }
  return [{ pointer: toPointer(issue.path), rule: `input.${issue.code}`, message: issue.message }];
}

/** RFC 6901. */
const toPointer = (path: readonly PropertyKey[]): string =>
  path.map((part) => `/${String(part).slice(0, 80).replaceAll('~', '~0').replaceAll('/', '~1')}`).join('');
