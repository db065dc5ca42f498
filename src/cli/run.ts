import { Command, CommanderError, Help, Option } from 'commander';
import { DeployError, isDeployError, type ExitCode } from '../errors.js';
import { errorDocument, renderError } from '../render/errors.js';
import { VERSION, type Context } from './context.js';
import { isJob, type Host } from './host.js';
import { collect, readOptions, VARIABLES, withAwsOptions, withCommonOptions } from './options.js';
import { Output } from './output.js';
import { withStepOptions } from './step-options.js';

type Verb = (context: Context) => Promise<ExitCode>;

/**
 * The whole program: parses `argv` (without node and script), runs one verb, answers its exit code. Never throws, and writes
 * nothing but through the host. Each verb is loaded when it is called, so that `--help` loads none.
 */
export async function run(argv: readonly string[], host: Host): Promise<ExitCode> {
  let exitCode: ExitCode = 0;
  const act = (load: () => Promise<Verb>) =>
    async function (this: Command): Promise<void> {
      exitCode = await runVerb(this, load, host);
    };
  const program = createProgram(host, act);
  try {
    await program.parseAsync(argv, { from: 'user' });
    return exitCode;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    const output = new Output(host, {
      format: wantsJson(argv, host) ? 'json' : 'text',
      color: !argv.includes('--no-color'),
      quiet: false,
      verbose: false,
    });
    return report(error instanceof CommanderError ? usage(error) : error, output);
  }
}

/** Whether an error is to be JSON, while the options are not known because they are what is wrong. */
function wantsJson(argv: readonly string[], { env }: Host): boolean {
  const at = argv.findLastIndex((word) => word === '--format' || word.startsWith('--format='));
  const given = argv[at] === '--format' ? argv[at + 1] : argv[at]?.slice('--format='.length);
  return (given ?? env['LAMBDA_DEPLOY_FORMAT']) === 'json';
}

const OTHER_APPROVER =
  'in a build: go on only if its creator’s address is not the one that unblocked it; addresses prove nothing, so limit allowed_teams, too';

type Act = (load: () => Promise<Verb>) => (this: Command) => Promise<void>;

function createProgram(host: Host, act: Act): Command {
  const program = new Command('lambda-deploy')
    .description('Plan, apply, verify and roll back AWS Lambda functions from one committed file.')
    .version(VERSION, '-V, --version')
    .exitOverride()
    .configureOutput({ writeOut: host.writeOut, writeErr: () => undefined })
    .configureHelp({ showGlobalOptions: false, optionDescription })
    .addHelpText(
      'afterAll',
      `\n${VARIABLES}\nExit codes: 0 done · 1 error · 2 differences found · 3 refused · 4 failed, alias safe · 5 a human is needed`,
    );
  const verb = (name: string, description: string): Command =>
    withCommonOptions(program.command(name).description(description).allowExcessArguments(false));
  verb('validate', 'check the file; calls nothing').action(act(async () => (await import('./validate.js')).validate));
  verb('render', 'print the desired state after defaults and interpolation').action(
    act(async () => (await import('./render.js')).render),
  );
  addPlan(verb, act);
  verb('apply', 'bring AWS to what the file says, or carry out a plan file')
    .argument('[planfile]', 'what plan --out wrote; stands for --yes')
    .option('--expect <digest>', 'the digest that was approved; any other plan file is refused')
    .option('--plan-step <key>', 'take the plan file from the artifacts of this step of the build')
    .option('--require-other-approver', OTHER_APPROVER, false)
    .option('-y, --yes', 'do not ask', false)
    .option('--release-hold', 'also deploy what a rollback took back', false)
    .option(
      '--take-over',
      'go on although another run’s record is open; only when you know that this run is dead',
      false,
    )
    .option('--allow-older', 'also deploy a commit that is older than the deployed one', false)
    .action(act(async () => (await import('./apply.js')).apply));
  verb('drift', 'compare AWS with the last record and the file; exit 2 when AWS moved')
    .option('--blame', 'name who moved it, from CloudTrail', false)
    .option('--code', 'name the files in which live code differs', false)
    .option('--strict', 'also look for what nobody declared, and let it count', false)
    .option('--adopt', 'write what moved in AWS into the file', false)
    .option('--publish', 'with --adopt: also publish it where an alias serves a version without it', false)
    .option('-y, --yes', 'with --publish: do not ask', false)
    .action(act(async () => (await import('./drift.js')).drift));
  addStatus(verb, act);
  addRollback(verb, act);
  verb('promote', 'give a rollout that waits all of its traffic')
    .option('--step', 'only the next share of the rollout', false)
    .option('--expect <digest>', 'of the plan file whose rollout waits; any other rollout is refused')
    .option('--require-other-approver', OTHER_APPROVER, false)
    .option('--plan-only', 'show the plan and stop', false)
    .option('-y, --yes', 'do not ask', false)
    .action(act(async () => (await import('./promote.js')).promote));
  verb('abort', 'take a rollout back')
    .option('--plan-only', 'show the plan and stop', false)
    .option('-y, --yes', 'do not ask', false)
    .action(act(async () => (await import('./abort.js')).abort));
  verb('history', 'list the deployments that are recorded, newest first')
    .option('--limit <number>', 'at most so many of each alias (default: 20; with --format json all)')
    .action(act(async () => (await import('./history.js')).history));
  addPrune(verb, act);
  addIamPolicy(verb, act);
  addPipeline(verb, act);
  addImport(program, act);
  addSandbox(program, act);
  return program;
}

const HELP = new Help();

/** A flag that is not given is off: that need not be said. */
function optionDescription(option: Option): string {
  return option.defaultValue === false ? option.description : HELP.optionDescription(option);
}

/** It reads no file: it writes one. */
function addImport(program: Command, act: Act): void {
  const importing = program
    .command('import')
    .description('write the file from live functions, or from a Buildkite pipeline with aws-lambda-deploy steps')
    .argument('[function...]');
  withAwsOptions(importing)
    .option('--pipeline <file>', 'the pipeline, in place of functions; calls nothing')
    .option('--pipeline-out <file>', 'where to write the new pipeline; the default is NAME.lambda-deploy.yml beside it')
    .option('--out <file>', 'where to write', 'lambda.deploy.yaml')
    .option('--download', 'write each function’s archive beside the file, as NAME.zip', false)
    .option('--force', 'overwrite files that are there', false)
    .action(act(async () => (await import('./import-source.js')).importFrom));
}

function addStatus(verb: (name: string, description: string) => Command, act: Act): void {
  verb('status', 'show every function on one screen')
    .option('--out <file>', 'also write a snapshot, which plan --live-state takes')
    .action(act(async () => (await import('./status.js')).status));
}

function addPlan(verb: (name: string, description: string) => Command, act: Act): void {
  const plan = verb('plan', 'show what apply would do, and why')
    .option('--detailed-exitcode', 'exit 2 when there are changes', false)
    .option('--out <file>', 'also write it to a file that apply takes')
    .option('--live-state <file>', 'plan from what status --out wrote; calls nothing, and nothing applies it')
    .option('--release-hold', 'also deploy what a rollback took back', false)
    .option('--upload-steps', 'in a build: also add the steps that approve and apply it, by the options below', false)
    .option('--key-prefix <text>', 'what the keys of these steps begin with');
  withStepOptions(plan).action(act(async () => (await import('./plan.js')).plan));
}

function addPrune(verb: (name: string, description: string) => Command, act: Act): void {
  const prune = verb('prune', 'delete old published versions that nothing needs');
  // Refused with its reason, so it is understood, but not offered.
  prune.options.find(({ long }) => long === '--alias')?.hideHelp();
  prune
    .option('--keep <number>', 'required: how many of the newest versions stay beside those that are needed')
    .option('--plan-only', 'show the plan and stop', false)
    .option('-y, --yes', 'do not ask', false)
    .action(act(async () => (await import('./prune.js')).prune));
}

function addIamPolicy(verb: (name: string, description: string) => Command, act: Act): void {
  verb('iam-policy', 'print the least-privilege policy for this file')
    .addOption(new Option('--for <role>', 'what the role is for').choices(['plan', 'apply']).default('apply'))
    .option('--strict', 'also what drift --strict reads', false)
    .option('--blame', 'also what drift --blame reads', false)
    .option('--prune', 'with --for apply: also what prune reads and deletes', false)
    .option('--trust', 'print the trust policy for Buildkite instead', false)
    .option('--organization <slug>', 'with --trust: the organization')
    .option('--pipeline <slug>', 'with --trust: the pipeline')
    .option('--branch <name>', 'with --trust: the only branch; main for apply, any for plan')
    .addOption(
      new Option('--step <key>', 'with --trust: the only step, repeatable; apply for apply, any for plan').argParser(
        collect,
      ),
    )
    .action(act(async () => (await import('./iam-policy.js')).iamPolicy));
}

function addRollback(verb: (name: string, description: string) => Command, act: Act): void {
  verb('rollback', 'go back to the deployment before the one that is live')
    .option('--to <target>', 'a version, a record or a commit')
    .option(
      '--to-meta-data <key>',
      'in a build: take --to from its meta-data; where that key has no value, the deployment before',
    )
    .option('--require-other-approver', OTHER_APPROVER, false)
    .option('--fresh-secrets', 'publish the version again with today’s secrets', false)
    .option('--skip-check', 'leave out the health checks before and after the move', false)
    .option('--plan-only', 'show the plan and stop', false)
    .option('-y, --yes', 'do not ask', false)
    .action(act(async () => (await import('./rollback.js')).rollback));
}

function addPipeline(verb: (name: string, description: string) => Command, act: Act): void {
  withStepOptions(verb('pipeline', 'print the Buildkite pipeline for this file'))
    .option('--plan-role <role>', 'the role that plan and drift steps take by OIDC')
    .addOption(new Option('--build <command>', 'makes what the plan packs; repeatable').argParser(collect))
    .option('--show-uploaded', 'instead print the steps that plan --upload-steps adds when there are changes', false)
    .action(act(async () => (await import('./pipeline.js')).pipeline));
}

/** The sandbox has options of its own: it is no deployment. */
function addSandbox(program: Command, act: Act): void {
  program
    .command('sandbox')
    .description('serve a local Lambda endpoint; stops on SIGTERM')
    .option('--host <address>', 'where to listen', '127.0.0.1')
    .option('--port <number>', 'which port; 0 takes a free one', '0')
    .option('--latency <ms>', 'how long every answer takes', '0')
    .option('--settle <ms>', 'how long updates stay in progress', '50')
    .option('--account <id>', 'the account of every ARN', '123456789012')
    .option('--data <file>', 'keep the state in this file over restarts')
    .option('--seed <file>', 'parameters, secrets, buckets, images and alarms to start with')
    .addOption(
      new Option('--image <uri=dir>', 'run an image as the handler in a folder; repeatable').argParser(collect),
    )
    .option('--faults <file>', 'what goes wrong, and at which call')
    .option('--iam-policy <file>', 'what callers may do, as an IAM policy; everything else is denied')
    .allowExcessArguments(false)
    .action(act(async () => (await import('./sandbox.js')).sandbox));
}

async function runVerb(command: Command, load: () => Promise<Verb>, host: Host): Promise<ExitCode> {
  const options = readOptions(command, host);
  const output = new Output(host, options);
  const build = isJob(host)
    ? (await import('./build.js')).createBuild(host, output, command.name(), options)
    : undefined;
  try {
    const verb = await load();
    const exitCode = await verb({ host, options, output, args: command.args, ...(build && { build }) });
    if (exitCode !== 0 && exitCode !== 2) output.openGroup();
    return host.signal.aborted && exitCode !== 0 && exitCode !== 5 ? host.signalExitCode() : exitCode;
  } catch (error) {
    const exitCode = report(error, output);
    await build?.tellFailure(asKnown(error));
    return isDeployError(error, 'INTERRUPTED') ? host.signalExitCode() : exitCode;
  }
}

function usage(error: CommanderError): DeployError {
  const message = error.message.replace(/^error: /, '').replace(/\s*\n\s*/g, ' ');
  return new DeployError('USAGE', `${message.charAt(0).toUpperCase()}${message.slice(1)}`, {
    fix: 'see lambda-deploy --help.',
  });
}

/** Prints an error in the format that was asked for; anything that is not a DeployError is a defect of this tool. */
function report(error: unknown, output: Output): ExitCode {
  const known = asKnown(error);
  output.openGroup();
  if (output.options.format === 'json') output.result(errorDocument(known), []);
  else output.diagnostics(renderError(known));
  return known.exit;
}

function asKnown(error: unknown): DeployError {
  if (isDeployError(error)) return error;
  const detail = error instanceof Error ? `${error.name}: ${error.message}` : 'something that is no error was thrown';
  return new DeployError('INTERNAL', detail, {
    source: 'internal',
    cause: error,
    fix: 'please report it, with the command you ran.',
  });
}
