/** From the words on the command line to an exit code. */
import type { Command } from './command.ts';
import type { Context } from './context.ts';
import { CliError, exitCodes, usageError } from './exit.ts';
import type { ExitCode } from './exit.ts';
import { helpOf, helpOfCommand } from './help.ts';
import { parseCommandLine } from './parse.ts';
import { closest } from './suggest.ts';

export interface World {
  readonly commands: readonly Command[];
  readonly version: string;
  readonly print: (text: string) => void;
  /** Diagnostics. */
  readonly note: (text: string) => void;
  /** Makes the context once it is known whether JSON is wanted. */
  readonly context: (json: boolean) => Context;
}

/** Never throws: an error that was foreseen is told with what to do next, any other with its stack. */
export async function runCommandLine(argv: readonly string[], world: World): Promise<ExitCode> {
  try {
    return await dispatch(argv, world);
  } catch (error) {
    if (!(error instanceof CliError)) {
      world.note(`error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`);
      return exitCodes.failed;
    }
    world.note(`error: ${error.message}`);
    if (error.next !== null) world.note(`next:  ${error.next}`);
    return error.exitCode;
  }
}

async function dispatch(argv: readonly string[], { commands, version, print, context }: World): Promise<ExitCode> {
  const [first] = argv;
  if (first === '--version') return (print(version), exitCodes.ok);
  if (first === undefined || first === '--help' || first === 'help') {
    print(helpOf(commands));
    return first === undefined ? exitCodes.usage : exitCodes.ok;
  }
  const command = findCommand(argv, commands);
  const { args, options, json, help } = parseCommandLine(command, argv.slice(command.name.split(' ').length));
  if (help) return (print(helpOfCommand(command)), exitCodes.ok);
  return command.run(context(json), { args, options });
}

/** `session view ...` before `session`; throws a usage error that names the nearest one. */
function findCommand(argv: readonly string[], commands: readonly Command[]): Command {
  const [first = '', second = ''] = argv;
  const found =
    commands.find(({ name }) => name === `${first} ${second}`) ?? commands.find(({ name }) => name === first);
  if (found !== undefined) return found;
  const verbs = commands
    .filter(({ name }) => name.startsWith(`${first} `))
    .map(({ name }) => name.slice(first.length + 1));
  if (verbs.length > 0) {
    const near = closest(second, verbs);
    const problem =
      second === '' || second.startsWith('-')
        ? `aas ${first} needs a verb`
        : `aas ${first} has no verb ${JSON.stringify(second)}`;
    throw usageError(
      near === null ? problem : `${problem}. Did you mean aas ${first} ${near}?`,
      `One of: ${verbs.join(', ')}`,
    );
  }
  const words = [...new Set(commands.flatMap(({ name }) => name.split(' ')[0] ?? []))];
  const near = closest(first, words);
  throw usageError(
    `There is no command ${JSON.stringify(first)}.${near === null ? '' : ` Did you mean aas ${near}?`}`,
    'aas --help',
  );
}
