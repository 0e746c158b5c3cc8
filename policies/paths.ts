/**
 * What policy says about one path. `allow` matches exactly as written; `deny` and `protected` match every spelling that
 * some file system takes for the same name: any case, any Unicode form, dots and spaces at the end of a name.
 */
import type { PolicyBundle } from '../temporal/contract/policy.ts';
import type { Matcher } from './globs.ts';
import { compileGlob, globProblem, matchesLocation } from './globs.ts';

const maxPathBytes = 4096;
const maxNameBytes = 255;

/**
 * One spelling for all that a case-insensitive or normalising file system (APFS, HFS+) takes for one name. Upper case
 * first: it takes the long s, the dotless i and the sharp s to the letters they pass for.
 */
export const foldPath = (path: string): string => path.normalize('NFC').toUpperCase().toLowerCase().normalize('NFC');

/** What NTFS drops from a name: a stream (`:x`), then dots and spaces at the end. */
const trimNames = (path: string): string =>
  path
    .split('/')
    .map((name) => name.replace(/:.*$/, '').replace(/[. ]+$/, ''))
    .join('/');

/** Why a path must not be in any patch, whatever policy allows; null for an ordinary one. */
export function pathProblem(path: string): string | null {
  const names = path.split('/');
  if (path === '' || names.includes('')) return 'is empty, absolute or has an empty part';
  if (names.some((name) => name === '.' || name === '..')) return 'climbs with "." or ".."';
  if (path.includes('\\')) return 'holds a backslash, which is a separator on Windows';
  if (/[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/u.test(path)) return 'holds characters that cannot be seen';
  if (path.includes('\uFFFD') || !path.isWellFormed()) return 'is not UTF-8';
  if (Buffer.byteLength(path) > maxPathBytes) return `is longer than ${maxPathBytes} bytes`;
  if (names.some((name) => Buffer.byteLength(name) > maxNameBytes))
    return `has a name longer than ${maxNameBytes} bytes`;
  if (names.some((name) => /^(\.git|git~\d+)$/.test(trimNames(foldPath(name))))) return "is inside git's own directory";
  return null;
}

/** Matches a glob as written, on ordinary paths only. */
export function allowMatcher(globs: readonly string[]): Matcher {
  const matchers = globs.map(compileGlob);
  return (path) => pathProblem(path) === null && matchers.some((matches) => matches(path));
}

/** Matches a glob as written or in any spelling. Throws on a glob that has a problem in either form. */
export function denyMatcher(globs: readonly string[]): Matcher {
  const exact = globs.map(compileGlob);
  const folded = globs.map(foldPath).map(compileGlob);
  return (path) => {
    const spelling = foldPath(path);
    const trimmed = trimNames(spelling);
    return exact.some((matches) => matches(path)) || folded.some((matches) => matches(spelling) || matches(trimmed));
  };
}

/** What makes a glob of a layer unusable, as written or folded; null for a good one. */
export const ruleProblem = (glob: string): string | null => globProblem(glob) ?? globProblem(foldPath(glob));

export type PathVerdict =
  | { readonly kind: 'allowed'; readonly opened: boolean }
  | { readonly kind: 'denied'; readonly rule: `paths.${string}`; readonly reason: string };

/** Compiles a bundle's path rules for one repository (its canonical location). Throws on a rule that cannot work. */
export function pathJudge(rules: PolicyBundle['paths'], repository: string): (path: string) => PathVerdict {
  const clauses = rules.allow.map(allowMatcher);
  const denied = denyMatcher(rules.deny);
  const guarded = denyMatcher(rules.protected);
  const opened = allowMatcher(
    rules.open.flatMap(({ repository: pattern, paths }) => (matchesLocation(pattern, repository) ? paths : [])),
  );
  return (path) => {
    const problem = pathProblem(path);
    if (problem !== null) return { kind: 'denied', rule: 'paths.shape', reason: `the path ${problem}` };
    if (denied(path)) return { kind: 'denied', rule: 'paths.deny', reason: 'policy denies this path' };
    if (guarded(path) && !opened(path)) {
      const reason = 'policy protects this path, and the org layer does not open it for this repository';
      return { kind: 'denied', rule: 'paths.protected', reason };
    }
    if (!clauses.every((allows) => allows(path))) {
      return { kind: 'denied', rule: 'paths.allow', reason: 'a policy layer allows other paths only' };
    }
    return { kind: 'allowed', opened: guarded(path) };
  };
}
