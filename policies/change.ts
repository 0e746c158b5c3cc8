/** Control's verdict over what a patch really changes. */
import { byGravity } from '../temporal/contract/messages.ts';
import type { ChangedFile, Finding, Plan } from '../temporal/contract/messages.ts';
import type { PolicyBundle } from '../temporal/contract/policy.ts';
import { deny, info, review } from './findings.ts';
import type { Matcher } from './globs.ts';
import { compileGlob } from './globs.ts';
import { denyMatcher, foldPath, pathJudge } from './paths.ts';
import { isRuntimeArtifact } from './runtime-artifacts.ts';

export interface ChangeFacts {
  readonly files: readonly ChangedFile[];
  readonly patchBytes: number;
  readonly bundle: PolicyBundle;
  /** The canonical location, as `Base.repository` has it. */
  readonly repository: string;
  readonly plan: Pick<Plan, 'paths'>;
  /** The job's checks with the files that define them. */
  readonly checks: readonly { readonly id: string; readonly files: readonly string[] }[];
}

/**
 * Rules that deny: `change.files`, `change.patch_bytes`, `change.file_bytes`, `change.mode`, `change.submodule`,
 * `paths.shape`, `paths.runtime`, `paths.deny`, `paths.protected`, `paths.allow`. For review: `paths.opened`,
 * `paths.twin`, `change.type`, `change.executable`, `change.symlink`, `change.binary`, `change.git_file`,
 * `check.changed`, `scope`. A fact: `scope.unused`. Denials come first; the caller keeps as many as it wants.
 */
export function judgeChange({ files, patchBytes, bundle, repository, plan, checks }: ChangeFacts): Finding[] {
  const { limits } = bundle;
  const judgePath = pathJudge(bundle.paths, repository);
  const planned = plan.paths?.map((glob) => ({ glob, matches: compileGlob(glob) })) ?? null;
  const exams = checks.map(({ id, files: globs }) => ({ id, matches: denyMatcher(globs) }));
  return byGravity([
    ...(files.length > limits.maxFiles
      ? [deny('change.files', `${files.length} files are changed, and policy allows ${limits.maxFiles}`)]
      : []),
    ...(patchBytes > limits.maxPatchBytes
      ? [deny('change.patch_bytes', `the patch has ${patchBytes} bytes, and policy allows ${limits.maxPatchBytes}`)]
      : []),
    ...files.flatMap((file) => [
      ...judgeName(file.path, judgePath),
      ...judgeModes(file),
      ...judgeContent(file, limits.maxFileBytes),
      ...judgeExam(file.path, exams),
      ...(planned && !planned.some(({ matches }) => matches(file.path))
        ? [review('scope', 'the plan did not expect this path to change', file.path)]
        : []),
    ]),
    ...twins(files),
    ...(planned ?? [])
      .filter(({ matches }) => !files.some(({ path }) => matches(path)))
      .map(({ glob }) => info('scope.unused', `the plan expected a change of ${glob}, and there is none`)),
  ]);
}

function judgeName(path: string, judge: ReturnType<typeof pathJudge>): Finding[] {
  if (isRuntimeArtifact(path)) return [deny('paths.runtime', 'runtime artifacts never reach a patch', path)];
  const verdict = judge(path);
  if (verdict.kind === 'denied') return [deny(verdict.rule, verdict.reason, path)];
  return verdict.opened
    ? [review('paths.opened', 'a protected path that the org layer opened for this repository', path)]
    : [];
}

const absent = '000000';
const gitlink = '160000';
const symlink = '120000';
const executable = '100755';
const ordinaryModes: readonly string[] = ['100644', executable, symlink];

function judgeModes({ path, status, oldMode, newMode }: ChangedFile): Finding[] {
  if (oldMode === gitlink || newMode === gitlink)
    return [deny('change.submodule', 'submodules cannot be changed', path)];
  const findings: Finding[] = [];
  if (newMode !== absent && !ordinaryModes.includes(newMode)) {
    findings.push(deny('change.mode', `git mode ${newMode} is none of ${ordinaryModes.join(', ')}`, path));
  }
  if (status === 'type_changed')
    findings.push(review('change.type', `the file's type changes: ${oldMode} to ${newMode}`, path));
  if (newMode === executable && oldMode !== executable)
    findings.push(review('change.executable', 'becomes executable', path));
  if (newMode === symlink) findings.push(review('change.symlink', 'is a symbolic link: look where it points', path));
  return findings;
}

function judgeContent({ path, bytes, binary }: ChangedFile, maxFileBytes: number): Finding[] {
  const findings: Finding[] = [];
  const name = foldPath(path.split('/').at(-1) ?? '');
  if (bytes > maxFileBytes) {
    findings.push(deny('change.file_bytes', `the file has ${bytes} bytes, and policy allows ${maxFileBytes}`, path));
  }
  if (binary) findings.push(review('change.binary', 'is binary: the diff does not show what it says', path));
  if (name === '.gitmodules') findings.push(deny('change.submodule', 'submodules cannot be changed', path));
  if (name === '.gitattributes' || name === '.gitignore') {
    findings.push(review('change.git_file', `changes how git treats other files (${name})`, path));
  }
  return findings;
}

const judgeExam = (path: string, exams: readonly { id: string; matches: Matcher }[]): Finding[] =>
  exams
    .filter(({ matches }) => matches(path))
    .map(({ id }) =>
      review(
        'check.changed',
        `defines the check ${id}, which ran with this change in it: does it still prove what it did?`,
        path,
      ),
    );

/** Two paths that are one file where case or Unicode form does not count: who checks out there gets the last one. */
function twins(files: readonly ChangedFile[]): Finding[] {
  const present = files.filter(({ newMode }) => newMode !== absent);
  const byName = Map.groupBy(present, ({ path }) => foldPath(path));
  return [...byName.values()]
    .filter((same) => same.length > 1)
    .flatMap((same) =>
      same.map(({ path }) => review('paths.twin', 'another changed file has this name in another spelling', path)),
    );
}
