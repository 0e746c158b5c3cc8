/** What the command line understands, and how it says what it does not. */
import { describe, expect, test } from 'vitest';
import { commands } from '../../../client/cli/commands/index.ts';
import type { Context } from '../../../client/cli/context.ts';
import { helpOf, helpOfCommand } from '../../../client/cli/help.ts';
import { runCommandLine } from '../../../client/cli/run.ts';

/** No command of these tests gets as far as the world. */
async function run(...argv: string[]) {
  const printed: string[] = [];
  const noted: string[] = [];
  const code = await runCommandLine(argv, {
    commands,
    version: '1.2.3',
    print: (text) => void printed.push(text),
    note: (text) => void noted.push(text),
    context: (): Context => {
      throw new Error('it ran');
    },
  });
  return { code, printed: printed.join('\n'), noted: noted.join('\n') };
}

test('the help of everything', () => {
  expect(helpOf(commands)).toMatchSnapshot();
});
test.each(commands.map((command) => [command.name, command] as const))('the help of %s', async (name, command) => {
  expect(helpOfCommand(command)).toMatchSnapshot();
  const asked = await run(...name.split(' '), '--help');
  expect(asked).toEqual({ code: 0, printed: helpOfCommand(command), noted: '' });
});

test('every example of a command is one that parses', async () => {
  for (const { name, examples } of commands) {
    for (const example of examples) {
      const line = /(?:^|[=&|] ?)aas (.*?)(?: [|>&].*)?$/.exec(example)?.[1];
      if (line === undefined) continue;
      const argv = [...line.matchAll(/'([^']*)'|(\S+)/g)].map((match) => match[1] ?? match[2] ?? '');
      expect([name, (await run(...argv)).noted]).toEqual([name, expect.stringContaining('it ran')]);
    }
  }
});

test('no words at all show the help, as a usage error', async () => {
  expect(await run()).toMatchObject({ code: 2, printed: helpOf(commands) });
  expect(await run('--version')).toMatchObject({ code: 0, printed: '1.2.3' });
});

describe('usage errors', () => {
  test.each([
    [['sesion', 'list'], 'Did you mean aas session?'],
    [['aprove', 's-1'], 'Did you mean aas approve?'],
    [['frobnicate'], 'There is no command "frobnicate"'],
    [['session'], 'aas session needs a verb'],
    [['session', 'veiw', 's-1'], 'Did you mean aas session view?'],
    [['session', 'view'], 'aas session view needs a SESSION'],
    [['session', 'view', 's-1', 's-2'], 'takes no "s-2"'],
    [['session', 'create', '--gaol', 'x'], 'Did you mean --goal?'],
    [['session', 'create', '--goal'], '--goal needs a value: --goal TEXT'],
    [['session', 'create', '--mode', 'push'], '--mode takes patch or branch, not "push"'],
    [['session', 'create', '--goal', 'a', '--goal', 'b'], '--goal is given twice'],
    [['session', 'list', '--json=yes'], '--json takes no value'],
    [['session', 'wait', 's-1'], 'needs --for'],
    [['session', 'wait', 's-1', '--for', 'ever'], '--for takes gate or end'],
    [['reject', 's-1'], 'needs --reason TEXT'],
    [['amend', 's-1', '--note', 'x'], 'needs --patch FILE'],
    [['retry', 's-1'], 'needs --note TEXT'],
    [['session', 'list', '-x'], 'has no option -x'],
  ])('aas %j', async (argv, words) => {
    const { code, printed, noted } = await run(...argv);
    expect(code).toBe(2);
    expect(printed).toBe('');
    expect(noted).toContain(words);
  });
});
