import { spawnSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { chmod, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import {
  CreateAliasCommand,
  type CreateFunctionCommandInput,
  DeleteFunctionCommand,
  InvokeCommand,
  type InvokeCommandInput,
  type LambdaClient,
  PublishVersionCommand,
  UpdateFunctionCodeCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { strToU8, zipSync } from 'fflate';
import { describe, expect, it, onTestFinished } from 'vitest';
import { findPython } from '../../src/sandbox/interpreter.js';
import type { Runnable } from '../../src/sandbox/invoke.js';
import { RuntimePool } from '../../src/sandbox/runtime.js';
import { bench, PYTHON_ZIP, refusal, zipOf } from './support.js';

const FunctionName = 'f';

async function invoke(client: LambdaClient, input: Partial<InvokeCommandInput> = {}) {
  const answer = await client.send(new InvokeCommand({ FunctionName, LogType: 'Tail', ...input }));
  return {
    status: answer.StatusCode,
    error: answer.FunctionError,
    version: answer.ExecutedVersion,
    log: Buffer.from(answer.LogResult ?? '', 'base64').toString('utf8'),
    payload: JSON.parse(Buffer.from(answer.Payload ?? []).toString('utf8') || 'null') as never,
  };
}

/** A sandbox with one function of these files. */
async function deployed(files: Readonly<Record<string, string>>, input: Partial<CreateFunctionCommandInput> = {}) {
  const made = await bench({ settleMs: 0, now: Date.now });
  const Code = { ZipFile: zipOf(files) };
  await made.create(FunctionName, { Runtime: 'nodejs20.x', Code, ...input });
  return made;
}

const node = (code: string, input: Partial<CreateFunctionCommandInput> = {}) => deployed({ 'index.js': code }, input);

describe('a Node.js handler', () => {
  const shapes: [string, Readonly<Record<string, string>>, string][] = [
    ['CommonJS, async', { 'index.js': 'exports.handler = async (event) => event;' }, 'index.handler'],
    [
      'with a callback',
      { 'index.js': 'exports.handler = (event, _, done) => setImmediate(done, null, event);' },
      'index.handler',
    ],
    ['an ES module by its name', { 'index.mjs': 'export const handler = async (event) => event;' }, 'index.handler'],
    [
      'an ES module by its package',
      { 'package.json': '{"type":"module"}', 'index.js': 'export const handler = async (event) => event;' },
      'index.handler',
    ],
    [
      'an ES module that awaits while it is loaded',
      { 'index.mjs': 'const f = await Promise.resolve((e) => e); export const handler = async (e) => f(e);' },
      'index.handler',
    ],
    [
      'in a folder, exported in an object',
      { 'src/app.js': 'exports.api = { run: async (e) => e };' },
      'src/app.api.run',
    ],
    [
      'the .cjs of a module package',
      { 'package.json': '{"type":"module"}', 'index.cjs': 'exports.handler = async (e) => e' },
      'index.handler',
    ],
  ];

  it.each(shapes)('%s', async (_name, files, Handler) => {
    const { client } = await deployed(files, { Handler });
    const answer = await invoke(client, { Payload: strToU8('{"a":[1,"ü"]}') });
    expect(answer).toMatchObject({ status: 200, error: undefined, version: '$LATEST', payload: { a: [1, 'ü'] } });
  });

  it('that returns without a promise and never calls back answers null, as in AWS', async () => {
    const { client } = await node('exports.handler = () => 1;');
    expect((await invoke(client)).payload).toBeNull();
    expect((await invoke(client)).payload).toBeNull();
  });

  it('gets an empty event as {}, and the context', async () => {
    const { client } = await node(
      `exports.handler = async (event, c) => ({ event, name: c.functionName, version: c.functionVersion,
        memory: c.memoryLimitInMB, arn: c.invokedFunctionArn, id: c.awsRequestId, left: c.getRemainingTimeInMillis() });`,
      { MemorySize: 256, Timeout: 7 },
    );
    const { payload, log } = await invoke(client);
    expect(payload).toMatchObject({
      event: {},
      name: 'f',
      version: '$LATEST',
      memory: '256',
      arn: 'arn:aws:lambda:us-east-1:123456789012:function:f',
    });
    const { id, left } = payload as { id: string; left: number };
    expect(log).toContain(`START RequestId: ${id} Version: $LATEST\n`);
    expect(left).toBeGreaterThan(0);
    expect(left).toBeLessThanOrEqual(7000);
  });

  const failures: [string, string, object][] = [
    [
      'throws',
      'exports.handler = async () => { throw new TypeError("boom"); };',
      { errorType: 'TypeError', errorMessage: 'boom' },
    ],
    [
      'throws before a promise',
      'exports.handler = () => { throw new Error("sync"); };',
      { errorType: 'Error', errorMessage: 'sync' },
    ],
    ['calls back with an error', 'exports.handler = (e, c, done) => done(new Error("cb"));', { errorMessage: 'cb' }],
    [
      'rejects with a text',
      'exports.handler = () => Promise.reject("text");',
      { errorType: 'string', errorMessage: 'text' },
    ],
    ['answers what is no JSON', 'exports.handler = async () => 1n;', { errorType: 'Runtime.MarshalError' }],
    [
      'leaves a rejection unhandled',
      'exports.handler = () => new Promise(() => { Promise.reject(new Error("lost")); setTimeout(() => {}, 5000); });',
      { errorType: 'Runtime.UnhandledPromiseRejection' },
    ],
    [
      'throws outside of its promise',
      'exports.handler = () => new Promise(() => setImmediate(() => { throw new RangeError("late"); }));',
      { errorType: 'RangeError', errorMessage: 'late' },
    ],
    [
      'ends its process',
      'exports.handler = async () => process.exit(3);',
      { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('exit status 3') },
    ],
    [
      'is killed',
      'exports.handler = async () => process.kill(process.pid, "SIGKILL");',
      { errorType: 'Runtime.ExitError' },
    ],
    [
      'is not exported',
      'exports.other = 1;',
      { errorType: 'Runtime.HandlerNotFound', errorMessage: 'index.handler is undefined or not exported' },
    ],
    ['does not parse', 'exports.handler = (;', { errorType: 'Runtime.UserCodeSyntaxError' }],
    ['throws while it is loaded', 'throw new Error("cold");', { errorType: 'Error', errorMessage: 'cold' }],
    ['needs a module that is missing', 'require("missing");', { errorType: 'Runtime.ImportModuleError' }],
    [
      'answers more than 6 MB',
      'exports.handler = async () => "x".repeat(6291456);',
      { errorType: 'Function.ResponseSizeTooLarge' },
    ],
  ];

  it.each(failures)(
    'that %s is a function error, and the next invocation is answered too',
    async (_name, code, payload) => {
      const { client } = await node(code);
      for (let round = 0; round < 2; round += 1) {
        const answer = await invoke(client);
        expect(answer).toMatchObject({ status: 200, error: 'Unhandled', payload });
        expect(answer.log).toMatch(/START RequestId.*\n[^]*END RequestId.*\nREPORT RequestId: .*\tDuration: /);
      }
    },
  );

  it('that writes to the bootstrap’s own channel is only printing', async () => {
    const { client } = await node(
      `const fs = require('node:fs'); exports.handler = async () => { fs.writeSync(4, 'junk\\n17\\n{"type":"result"}\\n'); return 1; };`,
    );
    const { payload, log } = await invoke(client);
    expect(payload).toBe(1);
    expect(log).toContain('junk\n17\n{"type":"result"}\nEND ');
  });

  it('of a function that is deleted and created again starts afresh', async () => {
    const { client, create } = await node('let n = 0; exports.handler = async () => ++n;');
    expect([(await invoke(client)).payload, (await invoke(client)).payload]).toEqual([1, 2]);
    await client.send(new DeleteFunctionCommand({ FunctionName }));
    const Code = { ZipFile: zipOf({ 'index.js': 'let n = 0; exports.handler = async () => ++n;' }) };
    await create(FunctionName, { Runtime: 'nodejs20.x', Code });
    expect((await invoke(client)).payload).toBe(1);
  });

  it('that is missing is an import error', async () => {
    const { client } = await deployed({ 'other.js': '' });
    expect((await invoke(client)).payload).toMatchObject({ errorType: 'Runtime.ImportModuleError' });
  });

  it('shows its error in the log, with paths as in Lambda', async () => {
    const { client } = await node('exports.handler = async () => { throw new Error("visible"); };');
    const { log, payload } = await invoke(client);
    expect(log).toMatch(/ERROR\tInvoke Error \t.*visible/);
    expect((payload as { trace: string[] }).trace[1]).toContain('/var/task/index.js:1');
  });

  it('that takes too long is ended, and the next invocation starts afresh', async () => {
    const { client } = await node(
      'let n = 0; exports.handler = async (e) => { n += 1; if (e.hang) for (;;); return n; };',
      { Timeout: 1 },
    );
    expect((await invoke(client)).payload).toBe(1);
    expect((await invoke(client)).payload).toBe(2);
    const { error, payload, log } = await invoke(client, { Payload: strToU8('{"hang":true}') });
    expect(error).toBe('Unhandled');
    expect(payload).toEqual({
      errorType: 'Sandbox.Timedout',
      errorMessage: expect.stringMatching(/^RequestId: \S+ Error: Task timed out after 1\.00 seconds$/),
    });
    expect(log).toContain('Task timed out after 1.00 seconds\n');
    expect((await invoke(client)).payload).toBe(1);
  });

  it('prints into the log tail, in order and with its own invocation, the last 4 KB of it', async () => {
    const { client } = await node(
      `console.log('cold'); exports.handler = async (e) => { console.log('first', e.n); process.stderr.write('raw\\n');
        console.warn({ n: e.n }); if (e.much) console.log('x'.repeat(9000)); };`,
    );
    const { log } = await invoke(client, { Payload: strToU8('{"n":1}') });
    expect(log).toMatch(/^\[sandbox\] Node\.js \d+\.\d+\.\d+ \(.*\) stands in for nodejs20\.x\n.*cold\nSTART /);
    expect(log).toMatch(/\tINFO\tfirst 1\nraw\n.*\tWARN\t\{ n: 1 \}\nEND /);
    const second = (await invoke(client, { Payload: strToU8('{"n":2}') })).log;
    expect(second).toContain('first 2');
    expect(second).not.toMatch(/first 1|cold/);
    const much = (await invoke(client, { Payload: strToU8('{"much":true}') })).log;
    expect(Buffer.byteLength(much)).toBe(4096);
    expect((await invoke(client, { LogType: 'None' })).log).toBe('');
  });

  it('has its variables and those of Lambda, and nothing of this process', async () => {
    process.env.SANDBOX_LEAK = 'secret';
    onTestFinished(() => {
      delete process.env.SANDBOX_LEAK;
    });
    const { client } = await node('exports.handler = async () => process.env;', {
      MemorySize: 512,
      Environment: { Variables: { STAGE: 'test' } },
    });
    const { payload } = await invoke(client);
    expect(Object.keys(payload).sort()).toEqual([
      'AWS_DEFAULT_REGION',
      'AWS_EXECUTION_ENV',
      'AWS_LAMBDA_FUNCTION_MEMORY_SIZE',
      'AWS_LAMBDA_FUNCTION_NAME',
      'AWS_LAMBDA_FUNCTION_VERSION',
      'AWS_LAMBDA_INITIALIZATION_TYPE',
      'AWS_LAMBDA_LOG_GROUP_NAME',
      'AWS_LAMBDA_LOG_STREAM_NAME',
      'AWS_REGION',
      'HOME',
      'LAMBDA_RUNTIME_DIR',
      'LAMBDA_TASK_ROOT',
      'LANG',
      'PATH',
      'PYTHONDONTWRITEBYTECODE',
      'STAGE',
      'TMPDIR',
      'TZ',
      '_HANDLER',
    ]);
    expect(payload).toMatchObject({ AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512', AWS_REGION: 'us-east-1', STAGE: 'test' });
  });

  it('answers hundreds of invocations a second from its warm process', async () => {
    const { client } = await node('let n = 0; exports.handler = async () => ++n;');
    const started = performance.now();
    for (let n = 1; n <= 200; n += 1) expect((await invoke(client)).payload).toBe(n);
    // A cold start takes 30 ms and more: 200 of them do not fit.
    expect(performance.now() - started).toBeLessThan(4000);
  });
});

describe('what is invoked', () => {
  const answering = (text: string) => ({ 'index.js': `exports.handler = async () => ${JSON.stringify(text)};` });

  async function twoVersions() {
    const made = await deployed(answering('one'));
    await made.client.send(new PublishVersionCommand({ FunctionName }));
    await made.client.send(
      new UpdateFunctionCodeCommand({ FunctionName, ZipFile: zipOf(answering('two')), Publish: true }),
    );
    return made;
  }

  it('is each version’s own code, by number, by alias and by ARN', async () => {
    const { client } = await twoVersions();
    await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1' }));
    expect(await invoke(client, { Qualifier: '1' })).toMatchObject({ payload: 'one', version: '1' });
    expect(await invoke(client, { Qualifier: '2' })).toMatchObject({ payload: 'two', version: '2' });
    expect(await invoke(client, { Qualifier: 'live' })).toMatchObject({ payload: 'one', version: '1' });
    expect(await invoke(client)).toMatchObject({ payload: 'two', version: '$LATEST' });
  });

  it.each([
    [0, ['1']],
    [1, ['2']],
    [0.5, ['1', '2']],
  ])('with a weight of %d is the versions %j', async (weight, expected) => {
    const { client } = await twoVersions();
    const RoutingConfig = { AdditionalVersionWeights: { '2': weight } };
    await client.send(new CreateAliasCommand({ FunctionName, Name: 'live', FunctionVersion: '1', RoutingConfig }));
    const seen = new Set<string | undefined>();
    // Both sides of a half are seen in 60 tries but for one time in 2^59.
    for (let n = 0; n < 60; n += 1) seen.add((await invoke(client, { Qualifier: 'live' })).version);
    expect([...seen].sort()).toEqual(expected);
  });

  it('is the old content while an update is in progress, and the new configuration after it', async () => {
    const { client, create, wait } = await bench();
    const Code = { ZipFile: zipOf({ 'index.js': 'exports.handler = async () => process.env.AA;' }) };
    const variables = (AA: string) => ({ Environment: { Variables: { AA } } });
    await create(FunctionName, { Runtime: 'nodejs20.x', Code, ...variables('old') });
    expect((await invoke(client)).payload).toBe('old');
    await client.send(new UpdateFunctionConfigurationCommand({ FunctionName, ...variables('new') }));
    expect((await invoke(client)).payload).toBe('old');
    wait();
    expect((await invoke(client)).payload).toBe('new');
  });

  it.each([
    ['a function', { FunctionName: 'none' }, 'function:none'],
    ['a version', { Qualifier: '9' }, 'function:f:9'],
    ['an alias', { Qualifier: 'gone' }, 'function:f:gone'],
  ])('must exist: %s', async (_name, input, arn) => {
    const { client } = await twoVersions();
    expect(await refusal(invoke(client, input))).toEqual({
      status: 404,
      code: 'ResourceNotFoundException',
      message: `Function not found: arn:aws:lambda:us-east-1:123456789012:${arn}`,
    });
  });

  it('gets JSON only, of at most 6 MB', async () => {
    const { client } = await twoVersions();
    const noJson = refusal(invoke(client, { Payload: strToU8('{') }));
    expect(await noJson).toMatchObject({ status: 400, code: 'InvalidRequestContentException' });
    const tooLarge = refusal(invoke(client, { Payload: strToU8(`"${'x'.repeat(6_291_456)}"`) }));
    expect(await tooLarge).toMatchObject({ status: 413, code: 'RequestTooLargeException' });
  });

  it('answers 202 for an event and 204 for a dry run', async () => {
    const { client } = await twoVersions();
    expect((await invoke(client, { InvocationType: 'Event' })).status).toBe(202);
    expect((await invoke(client, { InvocationType: 'DryRun' })).status).toBe(204);
  });

  it('may be of a runtime that the sandbox does not have: the function error says so', async () => {
    const { client } = await deployed(answering(''), { Runtime: 'java21' });
    expect(await invoke(client)).toMatchObject({
      error: 'Unhandled',
      payload: { errorType: 'Sandbox.RuntimeNotSupported' },
    });
  });

  it('may have symbolic links, but only inside of the archive', async () => {
    const link = (target: string) => [strToU8(target), { os: 3, attrs: 0o120777 << 16 }] as const;
    const code = strToU8('exports.handler = async () => require("./lib");');
    const archive = (target: string) =>
      zipSync({ 'index.js': code, 'real/index.js': strToU8('module.exports = "linked";'), lib: [...link(target)] });
    const { client, create } = await bench({ settleMs: 0, now: Date.now });
    await create(FunctionName, { Runtime: 'nodejs20.x', Code: { ZipFile: archive('real') } });
    expect((await invoke(client)).payload).toBe('linked');
    await client.send(new UpdateFunctionCodeCommand({ FunctionName, ZipFile: archive('../../..') }));
    expect((await invoke(client)).payload).toMatchObject({ errorType: 'Sandbox.UnpackError' });
  });
});

describe('closing', () => {
  it('ends a hung handler, what it has started, and removes every file', async () => {
    const { client, sandbox } = await node(
      `const { spawn } = require('node:child_process');
       exports.handler = async (e) => { if (e.hang) for (;;);
         return { pids: [process.pid, spawn('sleep', ['600']).pid], root: process.env.LAMBDA_TASK_ROOT }; };`,
      { Timeout: 900 },
    );
    const { payload } = await invoke(client);
    const { pids, root } = payload as { pids: number[]; root: string };
    expect(existsSync(root)).toBe(true);
    expect(pids.map(isRunning)).toEqual([true, true]);
    const hung = refusal(invoke(client, { Payload: strToU8('{"hang":true}') }));
    await sandbox.close();
    await hung;
    for (const pid of pids) await expect.poll(() => isRunning(pid)).toBe(false);
    expect(existsSync(path.dirname(path.dirname(root)))).toBe(false);
  });
});

/** A process that ended and that nobody has waited for (state Z) still has its number. */
function isRunning(pid: number): boolean {
  const { stdout } = spawnSync('ps', ['-o', 'stat=', '-p', String(pid)], { encoding: 'utf8' });
  return /^[^Z\s]/.test(stdout.trim());
}

const python = await findPython('python3.13');
if (python === undefined) console.log('SKIPPED: no Python on this machine; its handlers are not tried.');

describe.skipIf(python === undefined)('a Python handler', () => {
  const py = (code: string, input: Partial<CreateFunctionCommandInput> = {}) =>
    deployed({ 'index.py': code }, { Runtime: 'python3.13', ...input });

  it('gets event and context, prints and logs, and the log says which Python it is', async () => {
    const { client } = await py(
      [
        'import logging, os',
        'def handler(event, context):',
        '    print("printed")',
        '    logging.getLogger().warning("logged")',
        '    return {"event": event, "name": context.function_name, "memory": os.environ["AWS_LAMBDA_FUNCTION_MEMORY_SIZE"],',
        '            "left": context.get_remaining_time_in_millis() > 0, "id": context.aws_request_id}',
      ].join('\n'),
    );
    const { payload, log } = await invoke(client, { Payload: strToU8('{"a":"ü"}') });
    expect(payload).toMatchObject({ event: { a: 'ü' }, name: 'f', memory: '128', left: true });
    expect(log).toContain(`[sandbox] ${python?.name} (`);
    expect(log).toMatch(/START .*\nprinted\n\[WARNING\]\t.*\tlogged\nEND /);
  });

  const failures: [string, string, string, object][] = [
    [
      'raises',
      'def handler(e, c):\n  raise ValueError("boom")',
      'index.handler',
      {
        errorType: 'ValueError',
        errorMessage: 'boom',
        stackTrace: [expect.stringContaining('/var/task/index.py", line 2, in handler')],
      },
    ],
    [
      'answers what is no JSON',
      'def handler(e, c):\n  return {1}',
      'index.handler',
      { errorType: 'Runtime.MarshalError' },
    ],
    [
      'ends its process',
      'import sys\ndef handler(e, c):\n  sys.exit(4)',
      'index.handler',
      { errorType: 'Runtime.ExitError', errorMessage: expect.stringContaining('exit status 4') },
    ],
    [
      'is missing',
      'x = 1',
      'index.handler',
      { errorType: 'Runtime.HandlerNotFound', errorMessage: "Handler 'handler' missing on module 'index'" },
    ],
    [
      'has no module',
      'x = 1',
      'other.handler',
      {
        errorType: 'Runtime.ImportModuleError',
        errorMessage: "Unable to import module 'other': No module named 'other'",
      },
    ],
    ['has no dot in its name', 'x = 1', 'handler', { errorType: 'Runtime.MalformedHandlerName' }],
    ['does not parse', 'def (', 'index.handler', { errorType: 'Runtime.UserCodeSyntaxError' }],
    ['raises while it is loaded', 'raise KeyError("cold")', 'index.handler', { errorType: 'KeyError' }],
  ];

  it.each(failures)('that %s is a function error', async (_name, code, Handler, payload) => {
    const { client } = await py(code, { Handler });
    expect(await invoke(client)).toMatchObject({ status: 200, error: 'Unhandled', payload });
  });

  it('that takes too long is ended', async () => {
    const { client } = await py('import time\ndef handler(e, c):\n  time.sleep(600)', { Timeout: 1 });
    expect((await invoke(client)).payload).toMatchObject({ errorType: 'Sandbox.Timedout' });
  });
});

describe('the Python interpreter', () => {
  const RUNNABLE: Runnable = {
    slot: 'f:1',
    content: '',
    functionName: 'f',
    version: '1',
    region: 'us-east-1',
    runtime: 'python3.12',
    handler: 'index.handler',
    code: { codeSha256: '', zip: PYTHON_ZIP },
    variables: {},
    memoryMb: 128,
    timeoutSeconds: 3,
    logGroup: '/aws/lambda/f',
    layers: 0,
  };

  async function shims(files: Readonly<Record<string, string>>): Promise<Record<string, string>> {
    const directory = await mkdtemp(path.join(tmpdir(), 'shims-'));
    onTestFinished(() => rm(directory, { recursive: true }));
    for (const [name, text] of Object.entries(files)) {
      await writeFile(path.join(directory, name), text);
      await chmod(path.join(directory, name), 0o755);
    }
    return { PATH: `${directory}:/usr/bin:/bin` };
  }
  const dead = '#!/bin/sh\necho "command not found" >&2\nexit 127\n';
  const alive = '#!/bin/sh\necho /opt/python\necho 3.99.1\n';

  it('is found by running it: a dead shim is passed over', async () => {
    const env = await shims({ 'python3.12': dead, 'python3.13': dead, python3: alive });
    expect(await findPython('python3.12', env)).toEqual({ command: '/opt/python', name: 'Python 3.99.1' });
  });

  it('is not found where only dead shims are', async () => {
    expect(
      await findPython('python3.12', await shims({ 'python3.12': dead, 'python3.13': dead, python3: dead })),
    ).toBeUndefined();
  });

  it('that cannot be started is a function error', async () => {
    const pool = new RuntimePool(() => Promise.resolve({ command: '/none/python', name: 'Python 3.0.0' }));
    onTestFinished(() => pool.close());
    const outcome = await pool.run(RUNNABLE, { requestId: 'r', invokedArn: 'a', payload: '{}' });
    expect(JSON.parse(outcome.payload)).toEqual({
      errorType: 'Runtime.ExitError',
      errorMessage: 'Error: Runtime could not be started',
    });
  });

  it('that is missing is a function error that says what was tried', async () => {
    const pool = new RuntimePool(() => Promise.resolve(undefined));
    onTestFinished(() => pool.close());
    const outcome = await pool.run(RUNNABLE, { requestId: 'r', invokedArn: 'a', payload: '{}' });
    expect(outcome.functionError).toBe('Unhandled');
    expect(JSON.parse(outcome.payload)).toEqual({
      errorType: 'Sandbox.NoInterpreter',
      errorMessage:
        'No Python runs on this machine: tried python3.12, python3.13, python3. Install Python 3 and put it on PATH.',
    });
  });
});
