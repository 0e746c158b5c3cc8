import { commonOptions } from './command.ts';
import type { Command, Option } from './command.ts';

/** `aas --help`: every command, by noun. */
export function helpOf(commands: readonly Command[]): string {
  const rows = commands.map((command): [string, string] => [usage(command), command.summary]);
  return [
    'Autonomous Agent Stack: a governed change, from a request to a validated patch.',
    '',
    'Usage: aas <command> [options]',
    '',
    ...columns(rows),
    '',
    'aas <command> --help shows its options. With --json, standard output holds JSON and nothing else.',
    'Exit codes: 0 ok, 1 failed, 2 usage, 3 refused by policy or a person, 4 not authorised, 5 timed out waiting.',
    '',
  ].join('\n');
}

/** `aas session create --help`. */
export function helpOfCommand(command: Command): string {
  const options = Object.entries({ ...command.options, ...commonOptions } as Record<string, Option>);
  return [
    `Usage: aas ${usage(command)} [options]`,
    '',
    command.summary,
    ...(command.description === undefined ? [] : ['', ...wrap(command.description, 100)]),
    '',
    'Options:',
    ...columns(options.map(([name, option]) => [spell(name, option), describe(option)])),
    '',
    'Examples:',
    ...command.examples.map((example) => `  ${example}`),
    '',
  ].join('\n');
}

const usage = ({ name, arguments: wanted = [] }: Command): string =>
  [name, ...wanted.map((argument) => (argument.required ? argument.name : `[${argument.name}]`))].join(' ');

function spell(name: string, option: Option): string {
  if (option.type === 'boolean') return `--${name}`;
  return `--${name} ${option.choices?.join('|') ?? option.value ?? 'VALUE'}`;
}

const describe = (option: Option): string =>
  `${option.summary}${option.required === true ? ' (required)' : ''}${option.multiple === true ? ' (may be repeated)' : ''}`;

function columns(rows: readonly (readonly [string, string])[]): string[] {
  const width = Math.max(...rows.map(([left]) => left.length));
  return rows.map(([left, right]) => `  ${left.padEnd(width)}  ${right}`);
}

function wrap(text: string, width: number): string[] {
  const lines = [''];
  for (const word of text.split(' ')) {
    const line = lines.at(-1) ?? '';
    if (line !== '' && line.length + 1 + word.length > width) lines.push(word);
    else lines[lines.length - 1] = line === '' ? word : `${line} ${word}`;
  }
  return lines;
}
