import { Option, type Command } from 'commander';
import { DeployError } from '../errors.js';
import type { StepSettings } from '../model/pipeline.js';
import { DEFAULT_INSTALL } from '../render/pipeline.js';
import type { Context } from './context.js';
import { collect } from './options.js';

/** Adds the options that decide on how the steps of a pipeline run. */
export function withStepOptions(command: Command): Command {
  return command
    .option('--apply-role <role>', 'the role that apply steps take by OIDC')
    .addOption(new Option('--team <slug>', 'a team that may approve; repeatable').argParser(collect))
    .addOption(new Option('--agents <tag=value>', 'which agents run the steps; repeatable').argParser(collect))
    .addOption(
      new Option(
        '--install <command>',
        `makes lambda-deploy runnable; repeatable (default: ${DEFAULT_INSTALL})`,
      ).argParser(collect),
    )
    .option(
      '--require-other-approver',
      'who approves must have another address than who started the build; addresses prove nothing, so give --team, too',
      false,
    );
}

/** @throws USAGE for a value that would mean something else where it goes */
export function readStepSettings({ options }: Pick<Context, 'options'>): StepSettings {
  const install = commandsAt(options, 'install');
  return {
    teams: valuesAt(options, 'team', /^[\w-]+$/, 'a slug or an id of a team'),
    agents: valuesAt(options, 'agents', /^[^=\s]+=\S.*$/, 'a tag with its value, such as queue=deploy'),
    install: install.length === 0 ? [DEFAULT_INSTALL] : install,
    requireOtherApprover: options['requireOtherApprover'] === true,
  };
}

type Options = Context['options'];

/** Values of a repeatable option. @throws USAGE */
export function valuesAt(options: Options, name: string, pattern: RegExp, expects: string): readonly string[] {
  const values = Array.isArray(options[name]) ? options[name].map(String) : [];
  const wrong = values.find((value) => !pattern.test(value));
  if (wrong !== undefined) throw usage(`--${name} ${JSON.stringify(wrong)} is not ${expects}.`, `give ${expects}.`);
  return values;
}

/**
 * Commands that a step's shell runs as they are.
 *
 * @throws USAGE for what cannot be told to buildkite-agent: it takes `\$` for an escaped `$`
 */
export function commandsAt(options: Options, name: string): readonly string[] {
  const commands = valuesAt(options, name, /\S/, 'a command');
  const wrong = commands.find((command) => command.includes('\\$'));
  if (wrong !== undefined)
    throw usage(`--${name} ${wrong} has \\$, which buildkite-agent changes.`, `write '$' in single quotes instead.`);
  return commands;
}

/** The prefix of the steps' keys. @throws USAGE */
export function keyPrefixOf({ options }: Pick<Context, 'options'>): string {
  const { keyPrefix = '' } = options as { readonly keyPrefix?: string };
  // Keys have at most 100 characters.
  if (/^[\w-]{0,90}$/.test(keyPrefix)) return keyPrefix;
  throw usage(
    `--key-prefix ${JSON.stringify(keyPrefix)} is no beginning of a step's key.`,
    'use letters, digits, - and _.',
  );
}

const ROLE_ARN = /^arn:aws[a-z-]*:iam::(\d{12}):role\/[\w+=,.@/-]+$/;

/** The account of a role's ARN; `undefined`: it is none. */
export function accountOfRole(arn: string): string | undefined {
  return ROLE_ARN.exec(arn)?.[1];
}

export function usage(detail: string, fix: string): DeployError {
  return new DeployError('USAGE', detail, { fix });
}
