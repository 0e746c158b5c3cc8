/** A command is data: parsing, help and tests are all made from it. */
import type { Context } from './context.ts';
import type { ExitCode } from './exit.ts';

export interface Option {
  readonly type: 'string' | 'boolean';
  readonly multiple?: true;
  /** What stands for the value in help: `DIGEST`. */
  readonly value?: string;
  /** The only values it takes. */
  readonly choices?: readonly string[];
  readonly required?: true;
  readonly summary: string;
}
export type Options = Readonly<Record<string, Option>>;

export interface Argument {
  readonly name: string;
  readonly required: boolean;
}

type Value<O extends Option> = O extends { type: 'boolean' }
  ? boolean
  : O extends { multiple: true }
    ? readonly string[]
    : Choice<O> | (O extends { required: true } ? never : undefined);
type Choice<O extends Option> = O extends { choices: readonly (infer C)[] } ? C : string;
export type Values<O extends Options> = { readonly [Name in keyof O]: Value<O[Name]> };

export interface CommandSpec<O extends Options> {
  /** `session create`: a noun and a verb, or one verb of its own. */
  readonly name: string;
  readonly summary: string;
  readonly description?: string;
  readonly arguments?: readonly Argument[];
  readonly options?: O;
  readonly examples: readonly string[];
  readonly run: (
    context: Context,
    input: { readonly args: readonly string[]; readonly options: Values<O> },
  ) => Promise<ExitCode>;
}

/** With its options' types forgotten, so that all fit into one list. */
export type Command = Omit<CommandSpec<Options>, 'run'> & {
  readonly run: (
    context: Context,
    input: { readonly args: readonly string[]; readonly options: Readonly<Record<string, unknown>> },
  ) => Promise<ExitCode>;
};

export const command = <const O extends Options = Record<never, never>>(spec: CommandSpec<O>): Command => ({
  ...spec,
  run: (context, { args, options }) => spec.run(context, { args, options: options as Values<O> }),
});

/** Every command takes these. */
export const commonOptions = {
  json: { type: 'boolean', summary: 'One JSON document (or JSON lines for streams) on standard output' },
  help: { type: 'boolean', summary: 'Show this help' },
} as const satisfies Options;
