// The main job on real input: a committed file becomes a live function, survives a hand edit and a bad version, and goes back.
// Runs the built CLI against the built-in sandbox; everything it makes is in one temporary folder, and gone afterwards.
import {
  GetAliasCommand,
  InvokeCommand,
  LambdaClient,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import pc from 'picocolors';
import { packDirectory } from './packer.mjs';

// Its warning about Node 20 would stand between the lines of the demo.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED ??= 'true';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = join(ROOT, 'dist/main.js');
const EXAMPLE = join(ROOT, 'examples/hello');
const STEPS = 8;
/** No command of the demo takes two seconds; one that takes thirty hangs. */
const COMMAND_TIMEOUT_MS = 30_000;

const useColor = !process.env.NO_COLOR && (process.stdout.isTTY || !!process.env.FORCE_COLOR);
const { bold, dim, cyan, green, red } = pc.createColors(useColor);

const started = Date.now();
const children = new Set();
const proven = [];
let folder;
let step = 0;
let failed = false;
let stopping = false;

for (const [signal, code] of [
  ['SIGINT', 130],
  ['SIGTERM', 143],
  ['SIGHUP', 129],
]) {
  process.on(signal, () => void stop(code));
}
// A reader that went away (`| head`) ends the demo like a signal.
process.stdout.on('error', () => void stop(1));

try {
  await demo();
} catch (error) {
  failed = true;
  print('', `${red(bold('The demo failed:'))} ${error.message}`);
} finally {
  await cleanUp();
}
if (!failed && !stopping) summary();
process.exitCode = failed ? 1 : 0;

async function demo() {
  if (!existsSync(CLI))
    throw new Error('dist/main.js is missing. Run `npm ci`, or `npm run generate && npm run build`.');
  folder = await mkdtemp(join(tmpdir(), 'lambda-deploy-demo-'));
  const endpoint = await startSandbox();
  const aws = clientOf(endpoint);
  const run = (line, expected, options) => lambdaDeploy(line, expected, endpoint, options);
  const spec = await readFile(join(EXAMPLE, 'lambda.deploy.yaml'), 'utf8');
  const code = await readFile(join(EXAMPLE, 'src/index.mjs'), 'utf8');
  await save(spec, code);
  print(
    bold('lambda-deploy: a committed file becomes a live function, and can go back'),
    dim(`A local Lambda endpoint listens on ${endpoint}. No AWS account is involved.`),
  );

  title('Check the file', 'A typing error fails here, in the pull request: no call to AWS is made.');
  typed('cat lambda.deploy.yaml');
  print(spec.trim());
  await run('validate', 0);

  title('See what would happen', 'Every call that would be made, in its order, with its reason. Nothing is changed.');
  const plan = await run('plan', 0);
  expect(!(await exists(aws)), 'after plan the function still does not exist');

  title('Deploy', 'The version is invoked by its number first. The alias points at it only after that went well.');
  await run('apply --yes', 0, { plan });
  await expectAnswer(aws, '1', 'Hello, Ada!');
  prove('a file became a live function: version 1 was checked first, then alias live pointed at it');

  title('Deploy again', 'No difference, no call that changes anything, no new version: every build may run this.');
  expect((await run('plan --detailed-exitcode', 0)).includes('No changes.'), 'a second plan is empty');
  prove('a second plan is empty and exits 0');

  await handEdit(aws, run);
  await goodChange(aws, run, spec, code);
  await badVersion(aws, run, spec);
  await rollBack(aws, run);
}

async function handEdit(aws, run) {
  title(
    'Somebody edits AWS by hand',
    'Drift is live against the last record, so it is told apart from a pending change.',
  );
  print(dim('# somebody in the console sets memorySize to 1024'));
  await aws.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', MemorySize: 1024 }));
  const drift = await run('drift', 2);
  expect(/memorySize/.test(drift), 'drift names memorySize');
  print('', 'The file is still right, so applying it heals the function. The alias never left version 1.');
  await run('apply --yes', 0);
  await run('drift', 0);
  expect((await aliasVersion(aws)) === '1', 'healing $LATEST publishes nothing and moves nothing');
  prove('a hand edit showed as drift (exit 2) and was healed without publishing or moving anything');
}

async function goodChange(aws, run, spec, code) {
  title('Ship a change', 'More memory and another greeting: exactly the calls that this needs.');
  await save(
    edit(spec, 'memorySize: 128', 'memorySize: 256'),
    edit(code, '${process.env.GREETING}, ', '${process.env.GREETING} and welcome, '),
  );
  print(dim('# memorySize: 256 in the file, another greeting in the code'));
  await run('apply --yes', 0);
  await expectAnswer(aws, '2', 'Hello and welcome, Ada!');
  prove('a change of file and code became version 2, by the planned calls only');
}

async function badVersion(aws, run, spec) {
  title('A bad version', 'The handler throws. Its health check stops it before anybody is sent to it: exit 4.');
  await save(
    edit(spec, 'memorySize: 128', 'memorySize: 256'),
    "export const handler = async () => {\n  throw new Error('the orders table is missing');\n};\n",
  );
  print(dim("# the new code: throw new Error('the orders table is missing')"));
  const output = await run('apply --yes', 4);
  expect(output.includes('the orders table is missing'), 'the handler’s own error is shown');
  print('', 'Callers noticed nothing:');
  await expectAnswer(aws, '2', 'Hello and welcome, Ada!');
  prove('a version that throws got no traffic: exit 4, alias live stayed on version 2');
}

async function rollBack(aws, run) {
  title(
    'Go back',
    'To the deployment before the one that is live, by its record: no build, no archive, no git needed.',
  );
  await run('rollback --yes', 0);
  await expectAnswer(aws, '1', 'Hello, Ada!');
  const history = await run('history', 0);
  expect(/rollback/.test(history) && /failed/.test(history), 'the history has the failure and the rollback');
  prove('rollback re-applied version 1; the history tells all of it');
}

/** Runs the built CLI, shows what was typed and what it printed; a plan shown before is not printed twice. */
async function lambdaDeploy(line, expected, endpoint, { plan } = {}) {
  typed(`lambda-deploy ${line}`);
  const { stdout, stderr, code } = await start(line.split(' '), endpoint);
  const [preface, result] = splitApply(stdout);
  if (plan !== undefined) expect(preface.trim() === plan.trim(), 'apply carries out exactly the plan that was shown');
  const shown = plan === undefined ? preface : dim('… the same plan, to the digest …\n\n');
  print(clip(`${shown}${stderr}${stderr && result ? '\n' : ''}${result}`.trimEnd()));
  print(dim(`exit ${code}`));
  expect(code === expected, `\`lambda-deploy ${line}\` exits ${expected}, not ${code}`);
  return stdout + stderr;
}

/** A stack trace in a log tail is one line of two screens. */
function clip(text) {
  return text.replaceAll(/^(.{158}).+$/gm, (_line, start) => `${start} …`);
}

/** apply prints its plan, then what became of it; progress on stderr belongs between. */
function splitApply(stdout) {
  const end = /^.*(?:Plan|plan): .*sha256:.*\n\n/m.exec(stdout);
  if (end === null) return ['', stdout];
  const at = end.index + end[0].length;
  return [stdout.slice(0, at), stdout.slice(at)];
}

async function start(words, endpoint) {
  const child = spawn(process.execPath, [CLI, ...words], {
    cwd: folder,
    env: environment(endpoint),
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: COMMAND_TIMEOUT_MS,
  });
  children.add(child);
  let stdout = '';
  let stderr = '';
  child.stdout.setEncoding('utf8').on('data', (text) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [code, signal] = await once(child, 'close');
  children.delete(child);
  return { stdout, stderr, code: code ?? signal };
}

async function startSandbox() {
  const child = spawn(process.execPath, [CLI, 'sandbox', '--port', '0'], {
    cwd: folder,
    env: environment(),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  children.add(child);
  for await (const line of createInterface({ input: child.stdout })) {
    const url = /^AWS_ENDPOINT_URL=(.+)$/.exec(line)?.[1];
    if (url !== undefined) return url;
  }
  throw new Error('the sandbox did not start');
}

/** Nothing of the caller's AWS, Buildkite or lambda-deploy settings may reach the demo, and none of his files. */
function environment(endpoint) {
  const foreign = /^(AWS_|BUILDKITE|LAMBDA_DEPLOY_|GREETING$|NO_COLOR$|FORCE_COLOR$)/i;
  const kept = Object.entries(process.env).filter(([name]) => !foreign.test(name));
  return {
    ...Object.fromEntries(kept),
    ...(useColor ? { FORCE_COLOR: '1' } : { NO_COLOR: '1' }),
    AWS_CONFIG_FILE: join(folder, 'no-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'no-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: 'demo',
    AWS_SECRET_ACCESS_KEY: 'sandbox',
    ...(endpoint === undefined ? {} : { AWS_ENDPOINT_URL: endpoint }),
  };
}

function clientOf(endpoint) {
  const credentials = { accessKeyId: 'console', secretAccessKey: 'sandbox' };
  return new LambdaClient({ endpoint, region: 'us-east-1', credentials });
}

async function save(spec, code) {
  await writeFile(join(folder, 'lambda.deploy.yaml'), spec);
  const source = join(folder, 'src');
  await mkdir(source, { recursive: true });
  await writeFile(join(source, 'index.mjs'), code);
  const archive = await packDirectory({ path: source, source: 'src' });
  await copyFile(archive.path, join(folder, 'function.zip'));
  await archive.remove();
}

/** An edit that finds nothing would make the next step prove nothing. */
function edit(text, from, to) {
  if (!text.includes(from)) throw new Error(`examples/hello no longer contains ${from}`);
  return text.replace(from, () => to);
}

async function exists(aws) {
  return (await aliasVersion(aws)) !== undefined;
}

async function aliasVersion(aws) {
  try {
    return (await aws.send(new GetAliasCommand({ FunctionName: 'hello', Name: 'live' }))).FunctionVersion;
  } catch (error) {
    if (error.name === 'ResourceNotFoundException') return undefined;
    throw error;
  }
}

/** Calls the alias as its users do. */
async function expectAnswer(aws, version, body) {
  const Payload = JSON.stringify({ name: 'Ada' });
  const answer = await aws.send(new InvokeCommand({ FunctionName: 'hello', Qualifier: 'live', Payload }));
  const text = JSON.parse(Buffer.from(answer.Payload).toString('utf8')).body;
  print(
    `${cyan('→')} a caller of ${bold('hello:live')} gets ${bold(JSON.stringify(text))} from version ${answer.ExecutedVersion}`,
  );
  expect(answer.ExecutedVersion === version && text === body, `callers get "${body}" from version ${version}`);
}

function title(text, why) {
  step += 1;
  print('', '', bold(cyan(`━━ ${step}/${STEPS}  ${text} `.padEnd(80, '━'))), why);
}

function typed(line) {
  print('', `${green('$')} ${bold(line)}`);
}

function print(...lines) {
  if (stopping) return;
  process.stdout.write(`${lines.join('\n')}\n`);
}

function expect(condition, what) {
  if (!condition) throw new Error(`step ${step}: expected that ${what}.`);
}

function prove(what) {
  proven.push(what);
}

function summary() {
  const seconds = ((Date.now() - started) / 1000).toFixed(1);
  print('', '', bold(cyan(`━━ Proven in ${seconds} s `.padEnd(80, '━'))));
  print(...proven.map((what) => `${green('✓')} ${what}`));
  print('', dim('Nothing is left running. Next: the ten-minute path in README.md.'));
}

async function stop(code) {
  stopping = true;
  await cleanUp();
  process.exit(code);
}

/** Ends what was started, and only that; the sandbox ends its own handlers on SIGTERM. */
async function cleanUp() {
  await Promise.all([...children].map(endChild));
  if (folder !== undefined) await rm(folder, { recursive: true, force: true });
}

async function endChild(child) {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  child.kill('SIGTERM');
  const force = setTimeout(() => child.kill('SIGKILL'), 3_000);
  await ended;
  clearTimeout(force);
}
