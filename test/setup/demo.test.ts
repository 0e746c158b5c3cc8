/** `make demo` at the human gate, with a command line that only says what it is asked. */
import { readFileSync } from 'node:fs';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { Project } from '../helpers/project.ts';

let project: Project;
beforeEach(() => {
  project = new Project('examples');
  const view = (state: object) =>
    `echo '${JSON.stringify({ outcome: null, candidate: null, promotion: null, gate: null, links: {}, ...state })}'`;
  project.program(
    'bin/aas',
    `cd ${project.folder}; echo "$*" >> asked
    case "$1 $2" in
      'session create') echo '{"id":"s-1"}' ;;
      'session view')
        if [ -e decided ]; then ${view({ status: 'refused', outcome: 'rejected' })}
        else ${view({ status: 'waiting', gate: { id: 'approval-1', subject: 'sha256:0', reason: 'Look' } })}; fi ;;
      approve*) [ "$ANSWER" != no ] && touch decided ;;
      reject*) touch decided ;;
    esac`,
  );
});
afterEach(() => project.remove());

const decisions = () => readFileSync(project.path('asked'), 'utf8').match(/^(approve|reject) .*$/gm);
/** Both standard streams are a terminal for these words of bash. */
const onTerminal = (words: string, answer: string) => {
  const lend = 'import pty, sys; sys.exit(pty.spawn(["bash", "-c", sys.argv[1]]) >> 8)';
  return project.run('python3', ['-c', lend, words], { ANSWER: answer, NODE: process.execPath });
};

test('a person says no: the session is rejected, and the demo has failed at once', async () => {
  const { code, stdout } = await onTerminal('$NODE scripts/demo.ts', 'no');
  expect(decisions()).toEqual(['approve s-1', expect.stringMatching(/^reject s-1 --reason ./)]);
  expect(stdout).toContain('demo failed: The session ended as refused (rejected): nothing was promoted');
  expect(code).toBe(1);
});

test('a person says yes: it is not decided a second time', async () => {
  await onTerminal('$NODE scripts/demo.ts', 'yes');
  expect(decisions()).toEqual(['approve s-1']);
});

test.each(['$NODE scripts/demo.ts | cat', '$NODE scripts/demo.ts < /dev/null'])(
  'nobody can be asked, or sees what for (%s): it says so and approves what it shows',
  async (words) => {
    const { stdout } = await onTerminal(words, 'yes');
    expect(stdout).toContain('nobody can be asked, so this demo approves by itself');
    expect(decisions()).toEqual(['approve s-1 --subject sha256:0']);
  },
);
