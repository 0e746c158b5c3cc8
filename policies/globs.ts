/**
 * Globs over slash-separated names. Within a segment `*`, `?`, `[abc]`, `[^abc]` and `{a,b}` (picomatch), and `**` as a
 * whole segment for any number of segments (here).
 *
 * A layer may come from the repository under change, so a glob is hostile input. picomatch makes one regular expression
 * of a whole glob and lets parts of regular expressions through; `(a+)+`, or a handful of `**` on a long path, take
 * hours. So: segment by segment, with only the syntax above, and no more of it than can be matched in milliseconds.
 */
import picomatch from 'picomatch';

export type Matcher = (path: string) => boolean;

const options = { dot: true, nonegate: true, noextglob: true } as const;

/** Backtracking costs length^stars: with three, a few million steps for a segment of 255 bytes. */
const maxStars = 3;
/** Groups with equal members can be matched in (members^groups) ways. */
const maxGroups = 2;

const group = /\{[^{}]*,[^{}]*\}/g;
const set = /\[\^?[^[\]!{}^]+\]/g;

/** What makes a path glob unusable (it could never match, or mean something else, or take too long), or null. */
export function globProblem(glob: string): string | null {
  const segments = glob.split('/');
  const name = JSON.stringify(glob);
  if (glob.endsWith('/'))
    return `${name} ends with a slash and would match nothing: write ${JSON.stringify(`${glob}**`)}`;
  if (segments.some((segment) => segment === '' || segment === '.' || segment === '..')) {
    return `${name} has an empty, "." or ".." segment, which no path has`;
  }
  return locationProblem(glob);
}

/** The same for a pattern of repository locations, which may begin with a slash or hold a `//`. */
export function locationProblem(pattern: string): string | null {
  for (const segment of pattern.split('/')) {
    const problem = segmentProblem(segment);
    if (problem !== null) return `${JSON.stringify(pattern)} ${problem}`;
  }
  return null;
}

/** Compiles a path glob. Throws on one that has a problem: a rule that cannot work must not be passed over. */
export function compileGlob(glob: string): Matcher {
  const problem = globProblem(glob);
  if (problem !== null) throw new Error(problem);
  return compile(glob);
}

/**
 * Whether a repository's canonical location (an absolute path or a URL) matches a pattern, exactly or as a glob, in
 * exact case. A location with a `..` segment is not canonical and matches nothing. Throws on a pattern with a problem.
 */
export function matchesLocation(pattern: string, location: string): boolean {
  const problem = locationProblem(pattern);
  if (problem !== null) throw new Error(problem);
  if (location.split('/').includes('..')) return false;
  return pattern === location || compile(pattern)(location);
}

function segmentProblem(segment: string): string | null {
  if (/[()|"\\]/.test(segment)) return 'has a parenthesis, bar, quote or backslash: write ? for such a character';
  if (segment.includes('[!')) return 'excludes by [!...]: write [^...]';
  const groups = segment.match(group) ?? [];
  if (/[{}]/.test(segment.replaceAll(group, ''))) return 'has braces that are not {a,b} within one segment';
  if (groups.some((text) => text.includes('..'))) return 'has a range in braces: write its members';
  if (groups.length > maxGroups) return `has more than ${maxGroups} groups of braces in one segment`;
  if (/[[\]]/.test(segment.replaceAll(set, ''))) return 'has brackets that are not [abc] or [^abc]';
  if ((segment.match(/\*+/g) ?? []).length > maxStars) return `has more than ${maxStars} stars in one segment`;
  // picomatch's expression for what it could not compile, such as [z-a]: it matches nothing.
  if (segment !== '' && picomatch.makeRe(segment, options).source === '$^') return 'cannot be understood';
  return null;
}

type Segment = '**' | Matcher;

const compile = (glob: string): Matcher => matchSegments(glob.split('/').map(compileSegment));

function compileSegment(segment: string): Segment {
  if (segment === '**' || segment === '') return segment === '' ? (name) => name === '' : segment;
  // A `**` beside other characters means no more than one star.
  return picomatch(segment.replaceAll(/\*+/g, '*'), options);
}

/**
 * Walks glob and path together; `reached[i]` says whether the first i glob segments can match what was walked so far.
 */
function matchSegments(segments: readonly Segment[]): Matcher {
  const passEmpty = (reached: boolean[]): boolean[] => {
    segments.forEach((segment, i) => {
      if (segment === '**' && reached[i]) reached[i + 1] = true;
    });
    return reached;
  };
  return (path) => {
    let reached = passEmpty([true]);
    for (const name of path.split('/')) {
      const next: boolean[] = [];
      segments.forEach((segment, i) => {
        if (!reached[i]) return;
        if (segment === '**') next[i] = true;
        else if (segment(name)) next[i + 1] = true;
      });
      reached = passEmpty(next);
    }
    return reached[segments.length] === true;
  };
}
