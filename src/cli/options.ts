import { Option, type Command } from 'commander';
import { DeployError } from '../errors.js';
import type { Host } from './host.js';

/** The options that every command knows. */
export interface Options {
  readonly config?: string;
  readonly environment?: string;
  /** Globs over keys and names; empty: all functions. */
  readonly function: readonly string[];
  /** Empty: all aliases of the file. */
  readonly alias: readonly string[];
  readonly region?: string;
  readonly profile?: string;
  readonly endpointUrl?: string;
  readonly format: 'text' | 'json' | 'markdown';
  readonly color: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
}

/** Parses a repeatable option: every value, in order. */
export const collect = (value: string, before: readonly string[] = []): readonly string[] => [...before, value];

/** Adds the common options to a command. Repeatable ones are never variadic, so that they cannot swallow an argument. */
export function withCommonOptions(command: Command): Command {
  return withAwsOptions(
    command
      .option('-c, --config <file>', 'the file; found by itself up to the repository root')
      .option('-e, --environment <name>', 'which of the file’s environments')
      .addOption(new Option('-f, --function <name>', 'only this function, a glob; repeatable').argParser(collect))
      .addOption(new Option('--alias <name>', 'only this alias; repeatable').argParser(collect)),
  );
}

/** Adds the options of a command that reads no file: where AWS is, and how results are printed. */
export function withAwsOptions(command: Command): Command {
  return command
    .option('--region <region>', 'the AWS region; wins over a file’s, not over that of one of its functions')
    .option('--profile <name>', 'a profile of the AWS configuration')
    .option('--endpoint-url <url>', 'another endpoint than AWS’s, such as the sandbox')
    .addOption(
      new Option('--format <format>', 'how the result is printed')
        .choices(['text', 'json', 'markdown'])
        .default('text'),
    )
    .option('--no-color', 'no colours, whatever the terminal')
    .option('-v, --verbose', 'also say what is usually not worth saying', false)
    .option('-q, --quiet', 'no progress', false);
}

/**
 * Options that mean another thing in each command that has them. No variable stands for them: set for one command, it would
 * overwrite a plan file with a snapshot, or trust another pipeline.
 */
const DIFFERS_BY_COMMAND: readonly string[] = ['--out', '--pipeline', '--step'];

/** For the end of every command's help. */
export const VARIABLES = `Each option also as LAMBDA_DEPLOY_<OPTION>, but not ${DIFFERS_BY_COMMAND.join(', ')}, which differ by command.`;

/**
 * The options of a command, each from the command line, else from `LAMBDA_DEPLOY_<OPTION>`, else its default; see
 * {@link DIFFERS_BY_COMMAND} for those without a variable.
 *
 * @throws USAGE for a value that an option does not take
 */
export function readOptions(command: Command, host: Pick<Host, 'env'>): Options & Readonly<Record<string, unknown>> {
  for (const option of command.options) {
    if (DIFFERS_BY_COMMAND.includes(option.long ?? '')) continue;
    const name = option.attributeName();
    const variable = `LAMBDA_DEPLOY_${option.long?.replace(/^--/, '').replaceAll('-', '_').toUpperCase() ?? ''}`;
    const value = host.env[variable];
    if (value === undefined || value === '' || command.getOptionValueSource(name) === 'cli') continue;
    command.setOptionValueWithSource(name, fromVariable(option, variable, value), 'env');
  }
  const options = command.opts<Options & Record<string, unknown>>();
  const chosen = { function: options.function ?? [], alias: options.alias ?? [] };
  const wanted = { function: 'a function', alias: 'an alias', to: 'a version, a record or a commit' } as const;
  for (const [name, values] of Object.entries({ ...chosen, to: [options['to']] })) {
    if (!values.includes('')) continue;
    throw new DeployError('USAGE', `--${name} is empty. Nothing was called.`, {
      fix: `name ${wanted[name as keyof typeof wanted]}, or leave it out.`,
    });
  }
  return { ...options, ...chosen };
}

function fromVariable(option: Option, variable: string, value: string): unknown {
  // To commander, a --no-… is no boolean.
  if (option.isBoolean() || option.negate) {
    const on = /^(1|true|yes)$/i.test(value);
    if (!on && !/^(0|false|no)$/i.test(value)) throw badVariable(variable, value, ['true', 'false']);
    return option.negate ? !on : on;
  }
  if (option.argChoices !== undefined && !option.argChoices.includes(value))
    throw badVariable(variable, value, option.argChoices);
  return option.parseArg === undefined ? value : option.parseArg(value, undefined);
}

function badVariable(variable: string, value: string, takes: readonly string[]): DeployError {
  return new DeployError('USAGE', `${variable} is ${JSON.stringify(value)}; it takes ${takes.join(', ')}.`, {
    fix: 'set it to one of these, or unset it.',
  });
}
