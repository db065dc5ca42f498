/**
 * The program in which a Node.js handler runs: a CommonJS file that is written beside the unpacked archive, so that it
 * works from the bundle too. It reads invocations from file descriptor 3 and writes log, results and errors to 4, one JSON
 * document a line; one ordered channel keeps the log with its invocation. It follows AWS's runtime interface client.
 *
 * @see https://github.com/aws/aws-lambda-nodejs-runtime-interface-client
 */
export const NODE_BOOTSTRAP = String.raw`'use strict';
const fs = require('node:fs');
const net = require('node:net');
const path = require('node:path');
const { format } = require('node:util');
const { createRequire } = require('node:module');
const { pathToFileURL } = require('node:url');

const root = process.env.LAMBDA_TASK_ROOT;
const exit = process.exit.bind(process);
let requestId = '';
let settle;

function send(message) {
  const bytes = Buffer.from(JSON.stringify(message) + '\n');
  for (let at = 0; at < bytes.length; ) {
    try {
      at += fs.writeSync(4, bytes, at);
    } catch (error) {
      if (error.code !== 'EAGAIN') throw error;
    }
  }
}

function log(text) {
  send({ type: 'log', text });
}

for (const stream of [process.stdout, process.stderr])
  stream.write = (chunk, encoding, callback) => {
    log(typeof chunk === 'string' ? chunk : Buffer.from(chunk).toString('utf8'));
    const done = typeof encoding === 'function' ? encoding : callback;
    if (done) process.nextTick(done);
    return true;
  };

const levels = { log: 'INFO', info: 'INFO', debug: 'DEBUG', warn: 'WARN', error: 'ERROR', trace: 'TRACE' };
for (const [method, level] of Object.entries(levels))
  console[method] = (...values) =>
    log(new Date().toISOString() + '\t' + requestId + '\t' + level + '\t' + format(...values) + '\n');

function describe(error, errorType) {
  if (!(error instanceof Error) && !(error && error.name && error.message !== undefined))
    return { errorType: errorType || typeof error, errorMessage: String(error), trace: [] };
  const trace = String(error.stack || '').split(root).join('/var/task').split('\n');
  return { errorType: errorType || error.name, errorMessage: String(error.message), trace };
}

function loadError(type, message) {
  const error = new Error(message);
  error.name = type;
  error.stack = type + ': ' + message;
  return error;
}

async function importModule(file) {
  if (file.endsWith('.mjs')) return import(pathToFileURL(file).href);
  try {
    return createRequire(file)(file);
  } catch (error) {
    if (error.code !== 'ERR_REQUIRE_ESM' && error.code !== 'ERR_REQUIRE_ASYNC_MODULE') throw error;
    return import(pathToFileURL(file).href);
  }
}

async function load(name) {
  const base = path.basename(name);
  const dot = base.indexOf('.');
  if (dot < 1) throw loadError('Runtime.MalformedHandlerName', 'Bad handler');
  const stem = path.join(root, path.dirname(name), base.slice(0, dot));
  const file = ['.js', '.mjs', '.cjs'].map((ending) => stem + ending).find((candidate) => fs.existsSync(candidate));
  const module = path.join(path.dirname(name), base.slice(0, dot));
  if (!file) throw loadError('Runtime.ImportModuleError', "Error: Cannot find module '" + module + "'");
  let loaded;
  try {
    loaded = await importModule(file);
  } catch (error) {
    if (error instanceof SyntaxError) throw loadError('Runtime.UserCodeSyntaxError', String(error));
    if (error && (error.code === 'MODULE_NOT_FOUND' || error.code === 'ERR_MODULE_NOT_FOUND'))
      throw loadError('Runtime.ImportModuleError', String(error).split(root).join('/var/task'));
    throw error;
  }
  const names = base.slice(dot + 1).split('.');
  const pick = (from) => names.reduce((value, key) => (value === undefined || value === null ? undefined : value[key]), from);
  const handler = pick(loaded) || pick(loaded.default);
  if (handler === undefined)
    throw loadError('Runtime.HandlerNotFound', name + ' is undefined or not exported');
  if (typeof handler !== 'function') throw loadError('Runtime.HandlerNotFound', name + ' is not a function');
  return handler;
}

function fatal(error, errorType, code) {
  console.error(errorType || 'Uncaught Exception', '\t' + JSON.stringify(describe(error, errorType)));
  send({ type: 'error', fatal: true, error: describe(error, errorType) });
  exit(code);
}

async function start() {
  let handler;
  try {
    handler = await load(process.env._HANDLER);
  } catch (error) {
    const described = describe(error);
    console.error('Uncaught Exception', '\t' + JSON.stringify(described));
    send({ type: 'error', fatal: true, error: described });
    exit(1);
  }
  process.on('uncaughtException', (error) => fatal(error, undefined, 129));
  process.on('unhandledRejection', (reason) =>
    fatal(reason instanceof Error ? loadError('UnhandledPromiseRejection', String(reason)) : reason, 'Runtime.UnhandledPromiseRejection', 128));
  const input = new net.Socket({ fd: 3, readable: true, writable: false });
  let rest = '';
  input.setEncoding('utf8');
  input.on('data', (text) => {
    const lines = (rest + text).split('\n');
    rest = lines.pop();
    for (const line of lines) invoke(handler, JSON.parse(line), input);
  });
  input.on('end', () => exit(0));
  // The handler has left nothing to wait for and has not answered: AWS answers null.
  process.on('beforeExit', () => settle && settle({ value: null }));
  send({ type: 'ready' });
}

function invoke(handler, message, input) {
  requestId = message.requestId;
  input.unref();
  let done = false;
  settle = (outcome) => {
    if (done) return;
    done = true;
    settle = undefined;
    input.ref();
    answer(outcome);
  };
  const mine = settle;
  const finish = (error, value) => mine(error === undefined || error === null ? { value } : { error });
  const context = {
    callbackWaitsForEmptyEventLoop: true,
    functionName: process.env.AWS_LAMBDA_FUNCTION_NAME,
    functionVersion: process.env.AWS_LAMBDA_FUNCTION_VERSION,
    memoryLimitInMB: process.env.AWS_LAMBDA_FUNCTION_MEMORY_SIZE,
    logGroupName: process.env.AWS_LAMBDA_LOG_GROUP_NAME,
    logStreamName: process.env.AWS_LAMBDA_LOG_STREAM_NAME,
    invokedFunctionArn: message.invokedArn,
    awsRequestId: message.requestId,
    getRemainingTimeInMillis: () => Math.max(0, message.deadlineMs - Date.now()),
    done: finish,
    fail: (error) => mine({ error }),
    succeed: (value) => mine({ value }),
  };
  try {
    const result = handler(JSON.parse(message.payload), context, finish);
    if (result && typeof result.then === 'function')
      result.then((value) => mine({ value }), (error) => mine({ error }));
  } catch (error) {
    mine({ error });
  }
}

function answer(outcome) {
  const rssBytes = process.memoryUsage.rss();
  let failure = 'error' in outcome ? describe(outcome.error) : undefined;
  let payload = 'null';
  if (!failure)
    try {
      payload = JSON.stringify(outcome.value) || 'null';
    } catch (error) {
      failure = describe(loadError('Runtime.MarshalError', 'Unable to stringify response body: ' + error.message));
    }
  if (!failure) return send({ type: 'result', payload, rssBytes });
  console.error('Invoke Error', '\t' + JSON.stringify(failure));
  send({ type: 'error', error: failure, rssBytes });
}

start();
`;
