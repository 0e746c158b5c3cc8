import { parseArgs } from 'node:util';
import { commonOptions } from './command.ts';
import type { Command, Option, Options } from './command.ts';
import { usageError } from './exit.ts';
import { closest } from './suggest.ts';

export interface Parsed {
  readonly args: readonly string[];
  readonly options: Readonly<Record<string, unknown>>;
  readonly json: boolean;
  readonly help: boolean;
}

/** Options that came, against those a command has. Throws a usage error that names the nearest thing it could have been. */
export function parseCommandLine(command: Command, argv: readonly string[]): Parsed {
  const known: Options = { ...command.options, ...commonOptions };
  const { tokens, positionals } = parseArgs({
    args: [...argv],
    options: Object.fromEntries(Object.entries(known).map(([name, { type }]) => [name, { type }])),
    allowPositionals: true,
    strict: false,
    tokens: true,
  });
  const values = new Map<string, unknown>();
  for (const token of tokens) {
    if (token.kind !== 'option') continue;
    const option = known[token.name];
    if (option === undefined) throw unknownOption(command, token.rawName, Object.keys(known));
    const value = valueOf(token.rawName, option, token.value);
    if (option.multiple === true)
      values.set(token.name, [...((values.get(token.name) as string[] | undefined) ?? []), value]);
    else if (values.has(token.name)) throw usageError(`${token.rawName} is given twice`);
    else values.set(token.name, value);
  }
  const help = values.get('help') === true;
  if (!help) requireAll(command, positionals, values);
  for (const [name, option] of Object.entries(known)) if (!values.has(name)) values.set(name, absent(option));
  return { args: positionals, options: Object.fromEntries(values), json: values.get('json') === true, help };
}

function valueOf(rawName: string, option: Option, value: string | undefined): unknown {
  if (option.type === 'boolean') {
    if (value !== undefined) throw usageError(`${rawName} takes no value`);
    return true;
  }
  if (value === undefined) throw usageError(`${rawName} needs a value: ${rawName} ${option.value ?? 'VALUE'}`);
  if (option.choices !== undefined && !option.choices.includes(value)) {
    throw usageError(`${rawName} takes ${option.choices.join(' or ')}, not ${JSON.stringify(value)}`);
  }
  return value;
}

function requireAll(command: Command, positionals: readonly string[], values: ReadonlyMap<string, unknown>): void {
  const wanted = command.arguments ?? [];
  const missing = wanted.find((argument, place) => argument.required && positionals[place] === undefined);
  if (missing !== undefined)
    throw usageError(`aas ${command.name} needs a ${missing.name}`, `aas ${command.name} --help`);
  const extra = positionals[wanted.length];
  if (extra !== undefined)
    throw usageError(`aas ${command.name} takes no ${JSON.stringify(extra)}`, `aas ${command.name} --help`);
  for (const [name, option] of Object.entries(command.options ?? {})) {
    if (option.required === true && !values.has(name)) {
      throw usageError(
        `aas ${command.name} needs --${name} ${option.value ?? ''}`.trimEnd(),
        `aas ${command.name} --help`,
      );
    }
  }
}

const absent = (option: Option): unknown =>
  option.type === 'boolean' ? false : option.multiple === true ? [] : undefined;

function unknownOption(command: Command, rawName: string, names: readonly string[]) {
  const near = closest(rawName.replace(/^-+/, ''), names);
  const hint = near === null ? '' : ` Did you mean --${near}?`;
  return usageError(`aas ${command.name} has no option ${rawName}.${hint}`, `aas ${command.name} --help`);
}
