#!/usr/bin/env node
/**
 * Stands in for `buildkite-agent` in tests: takes the arguments, needs the environment and refuses what the real one and Buildkite
 * refuse, and keeps everything in the folder STAND_IN_DIR. Put it on a PATH under the name buildkite-agent (see support.ts).
 *
 *   calls.jsonl          {args, exitCode, stdinBytes, millis}, one a call, in the order in which they ended
 *   annotations.jsonl    {context, style, priority, body}; of one context the last counts
 *   meta-data/HASH/      key, value
 *   artifacts/STEP/PATH  STEP is the key of the step, or the job's id
 *   pipelines.jsonl      {interpolated, pipeline}
 *   secrets.jsonl        {secret}
 *   faults.json          what goes wrong: [{"command": "meta-data set", "key"?, "do": "fail" | "hang" | "slow"}], read at each call
 *
 * Sources: the agent's commands (github.com/buildkite/agent, clicommand/) and Buildkite's pages on annotations and meta-data.
 */
import { createHash } from 'node:crypto';
import fs from 'node:fs';
import path from 'node:path';
import picomatch from 'picomatch';

const { STAND_IN_DIR: FOLDER = '', ...env } = process.env;
const startedAt = Date.now();
const given = process.argv.slice(2);

/** The flags of each command: true where it takes a value. All have those of the API as well. */
const FLAGS = {
  annotate: { context: true, style: true, priority: true, append: false, job: true, scope: true },
  'meta-data set': { job: true, build: true },
  'meta-data get': { default: true, job: true, build: true },
  'meta-data exists': { job: true, build: true },
  'meta-data keys': { job: true, build: true },
  'artifact upload': { job: true, 'content-type': true },
  'artifact download': { step: true, build: true },
  'pipeline upload': {
    replace: false,
    job: true,
    'dry-run': false,
    'no-interpolation': false,
    'reject-secrets': false,
  },
  'redactor add': { format: true },
  'oidc request-token': { audience: true, lifetime: true, job: true, claim: true, 'aws-session-tag': true },
};
const OF_EVERY_COMMAND = {
  'agent-access-token': true,
  endpoint: true,
  'no-color': false,
  debug: false,
  'log-level': true,
};

let stdinBytes = 0;

function end(exitCode, message) {
  if (message !== undefined) process.stderr.write(`fatal: ${message}\n`);
  append('calls.jsonl', { args: given, exitCode, stdinBytes, millis: Date.now() - startedAt });
  process.exit(exitCode);
}

function append(file, line) {
  fs.appendFileSync(path.join(FOLDER, file), `${JSON.stringify(line)}\n`);
}

function lines(file) {
  const name = path.join(FOLDER, file);
  return fs.existsSync(name) ? fs.readFileSync(name, 'utf8').trim().split('\n').map(JSON.parse) : [];
}

function readStdin() {
  const bytes = fs.readFileSync(0);
  stdinBytes = bytes.length;
  return bytes.toString();
}

function parse(flags, words) {
  const options = {};
  const args = [];
  for (let at = 0; at < words.length; at += 1) {
    const word = words[at];
    if (!word.startsWith('-') || word === '-') {
      args.push(word);
      continue;
    }
    const [name, ...rest] = word.replace(/^--?/, '').split('=');
    if (!(name in flags)) end(1, `flag provided but not defined: -${name}`);
    if (!flags[name]) options[name] = true;
    else if (rest.length > 0) options[name] = rest.join('=');
    else if (at + 1 < words.length) options[name] = words[(at += 1)];
    else end(1, `flag needs an argument: -${name}`);
  }
  return { options, args };
}

function need(...names) {
  const flags = {
    BUILDKITE_AGENT_ACCESS_TOKEN: 'agent-access-token',
    BUILDKITE_JOB_ID: 'job',
    BUILDKITE_BUILD_ID: 'build',
  };
  for (const name of names)
    if (!env[name])
      end(1, `Missing ${flags[name] ?? name}. Usually this is set in the environment for a Buildkite job via ${name}.`);
}

function metaDataFolder(key) {
  return path.join(FOLDER, 'meta-data', createHash('sha256').update(key).digest('hex'));
}

function metaData(key) {
  const file = path.join(metaDataFolder(key), 'value');
  return fs.existsSync(file) ? fs.readFileSync(file, 'utf8') : undefined;
}

function filesUnder(folder) {
  if (!fs.existsSync(folder)) return [];
  return fs
    .readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .map((entry) => path.relative(folder, path.join(entry.parentPath, entry.name)));
}

const COMMANDS = {
  annotate({ options, args }) {
    need('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_JOB_ID');
    const body = args[0] ?? readStdin();
    const { context = 'default', style = 'default', priority = '3' } = options;
    if (Buffer.byteLength(body) > 1_048_576)
      end(1, `annotation body size (${Buffer.byteLength(body)}B) exceeds maximum (1048576B)`);
    if (!/^([1-9]|10)$/.test(priority)) end(1, 'priority must be between 1 and 10 (inclusive)');
    if (!['default', 'info', 'success', 'warning', 'error'].includes(style))
      end(1, 'Failed to annotate build: 422 Style is not included in the list');
    if ([...context].length > 100)
      end(1, 'Failed to annotate build: 422 Context is too long (maximum is 100 characters)');
    if (body.trim() === '') end(1, 'Failed to annotate build: 422 Body can’t be blank');
    const before = lines('annotations.jsonl').findLast((one) => one.context === context);
    const whole = options.append && before !== undefined ? before.body + body : body;
    append('annotations.jsonl', { context, style, priority: Number(priority), body: whole });
  },
  'meta-data set'({ args: [key, ...rest] }) {
    need('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_JOB_ID');
    if (key === undefined) end(1, 'Missing meta-data key');
    const value = rest[0] ?? readStdin();
    if (key.trim() === '') end(1, 'key cannot be empty, or composed of only whitespace characters');
    if (value.trim() === '') end(1, 'value cannot be empty, or composed of only whitespace characters');
    if (key.startsWith('buildkite:')) end(1, 'Failed to set meta-data: 422 Key is reserved');
    if (Buffer.byteLength(value) > 100_000) end(1, 'Failed to set meta-data: 422 Value is too long');
    const folder = metaDataFolder(key);
    fs.mkdirSync(folder, { recursive: true });
    fs.writeFileSync(path.join(folder, 'key'), key);
    fs.writeFileSync(path.join(folder, `value.${process.pid}`), value);
    fs.renameSync(path.join(folder, `value.${process.pid}`), path.join(folder, 'value'));
  },
  'meta-data get'({ options, args: [key] }) {
    need('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_JOB_ID');
    if (key === undefined) end(1, 'Missing meta-data key');
    const value = metaData(key) ?? options.default;
    if (value === undefined) end(1, 'Failed to get meta-data: 404 No meta-data with that key');
    process.stdout.write(`${value}\n`);
  },
  'meta-data exists'({ args: [key] }) {
    need('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_JOB_ID');
    if (metaData(key) === undefined) end(100);
  },
  'meta-data keys'() {
    need('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_JOB_ID');
    const folder = path.join(FOLDER, 'meta-data');
    const hashes = fs.existsSync(folder) ? fs.readdirSync(folder) : [];
    const keys = hashes.map((hash) => fs.readFileSync(path.join(folder, hash, 'key'), 'utf8'));
    process.stdout.write(
      keys
        .sort()
        .map((key) => `${key}\n`)
        .join(''),
    );
  },
  'artifact upload'({ args: [pattern] }) {
    need('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_JOB_ID');
    if (pattern === undefined) end(1, 'Missing upload paths');
    const found = pattern.split(';').flatMap((one) => {
      if (fs.existsSync(one)) return [one];
      const { base } = picomatch.scan(one);
      const folder = base === '' ? '.' : base;
      if (!fs.existsSync(folder) || !fs.statSync(folder).isDirectory()) return [];
      return filesUnder(folder)
        .map((file) => path.join(folder, file))
        .filter(picomatch(one));
    });
    // The real one says that it found nothing, and succeeds.
    if (found.length === 0) process.stderr.write(`No files matched paths: ${pattern}\n`);
    for (const file of found) {
      const under = path.relative(process.cwd(), path.resolve(file));
      const name = under.startsWith('..') ? path.resolve(file).slice(1) : under;
      const target = path.join(FOLDER, 'artifacts', env.BUILDKITE_STEP_KEY || env.BUILDKITE_JOB_ID, name);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.copyFileSync(file, target);
    }
  },
  'artifact download'({ options, args: [query, destination] }) {
    need('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_BUILD_ID');
    if (query === undefined) end(1, 'Missing artifact search query');
    if (destination === undefined) end(1, 'Missing artifact download path');
    const all = filesUnder(path.join(FOLDER, 'artifacts')).map((file) => {
      const [step, ...rest] = file.split(path.sep);
      return { step, name: rest.join('/') };
    });
    const found = all.filter(({ step, name }) => (options.step ?? step) === step && picomatch.isMatch(name, query));
    if (found.length === 0) end(1, 'Failed to download artifacts: no artifacts found for downloading');
    for (const { step, name } of found) {
      const target = path.join(destination, name);
      fs.mkdirSync(path.dirname(target), { recursive: true });
      fs.copyFileSync(path.join(FOLDER, 'artifacts', step, name), target);
    }
  },
  'pipeline upload'({ options, args: [file] }) {
    need('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_JOB_ID');
    const pipeline = file === undefined ? readStdin() : fs.readFileSync(file, 'utf8');
    if (pipeline.trim() === '') end(1, 'pipeline is empty');
    append('pipelines.jsonl', { interpolated: options['no-interpolation'] !== true, pipeline });
  },
  'redactor add'({ options, args: [file] }) {
    need('BUILDKITE_AGENT_JOB_API_SOCKET', 'BUILDKITE_AGENT_JOB_API_TOKEN');
    const text = file === undefined ? readStdin() : fs.readFileSync(file, 'utf8');
    const { format = 'none' } = options;
    if (!['json', 'none'].includes(format)) end(1, `invalid format: ${format}, must be one of ["json" "none"]`);
    const secrets = format === 'none' ? [text.trim()] : flatJson(text);
    for (const secret of secrets) append('secrets.jsonl', { secret });
  },
  'oidc request-token'({ options }) {
    need('BUILDKITE_AGENT_ACCESS_TOKEN', 'BUILDKITE_JOB_ID');
    if (options.lifetime !== undefined && !/^\d+$/.test(options.lifetime)) end(1, 'lifetime is no number of seconds');
    const { BUILDKITE_BRANCH: branch, BUILDKITE_COMMIT: commit, BUILDKITE_STEP_KEY: key } = env;
    const subject = `organization:acme:pipeline:orders:ref:refs/heads/${branch}:commit:${commit}:step:${key}`;
    const claims = { iss: 'https://agent.buildkite.com', aud: options.audience, sub: subject };
    const part = (value) => Buffer.from(JSON.stringify(value)).toString('base64url');
    process.stdout.write(`${part({ alg: 'none' })}.${part(claims)}.unsigned\n`);
  },
};

function flatJson(text) {
  try {
    const values = Object.values(JSON.parse(text));
    if (values.every((value) => typeof value === 'string')) return values;
  } catch {
    // As below.
  }
  return end(1, 'failed to parse secrets');
}

function faultOf(command, key) {
  const file = path.join(FOLDER, 'faults.json');
  const faults = fs.existsSync(file) ? JSON.parse(fs.readFileSync(file, 'utf8')) : [];
  return faults.find((one) => (one.command === '*' || one.command === command) && (one.key ?? key) === key)?.do;
}

if (FOLDER === '') {
  process.stderr.write('STAND_IN_DIR is not set\n');
  process.exit(70);
}
const command = Object.keys(FLAGS).find((name) => name === given.slice(0, name.split(' ').length).join(' '));
if (command === undefined) end(1, `No help topic for '${given.slice(0, 2).join(' ')}'`);
const parsed = parse({ ...FLAGS[command], ...OF_EVERY_COMMAND }, given.slice(command.split(' ').length));
const fault = faultOf(command, parsed.args[0]);
if (fault === 'fail') end(1, `Failed to ${command}: 500 Something went wrong`);
if (fault === 'hang') {
  process.on('SIGTERM', () => undefined);
  append('calls.jsonl', { args: given, exitCode: null, stdinBytes, millis: 0 });
  // Far longer than any caller waits; it has to be cut off.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 600_000);
}
if (fault === 'slow') Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1_000);
COMMANDS[command](parsed);
end(0);
