// Wall times of the built CLI: starting it against bare Node, and planning and applying nothing against the built-in sandbox.
// Runs are interleaved and medians compared, so that a busy machine slows all of them alike.
// `--quick` takes fewer runs; `--strict` exits 1 when a target is missed.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { cp, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
const CLI = join(ROOT, 'dist/main.js');
const isQuick = process.argv.includes('--quick');
const isStrict = process.argv.includes('--strict');
const RUNS = isQuick ? 7 : 25;

/** Targets are milliseconds over bare Node; without one a row is only told. */
const ROWS = [
  { name: 'node -e 0', words: ['-e', '0'] },
  { name: 'lambda-deploy --help', words: [CLI, '--help'], target: 30 },
  { name: 'lambda-deploy validate', words: [CLI, 'validate'], target: 60 },
  { name: 'lambda-deploy plan (1 function)', words: [CLI, 'plan'] },
  { name: 'lambda-deploy apply (no change)', words: [CLI, 'apply', '--yes'] },
];

if (!existsSync(CLI)) throw new Error('dist/main.js is missing. Run `npm run generate && npm run build`.');
const folder = await mkdtemp(join(tmpdir(), 'lambda-deploy-bench-'));
const sandbox = spawn(process.execPath, [CLI, 'sandbox', '--settle', '0'], { stdio: ['ignore', 'pipe', 'inherit'] });
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => void cleanUp().then(() => process.exit(1)));
try {
  await bench();
} finally {
  await cleanUp();
}

async function bench() {
  const first = await createInterface({ input: sandbox.stdout })[Symbol.asyncIterator]().next();
  await cp(join(ROOT, 'examples/hello'), folder, { recursive: true });
  const env = environment(first.value.replace('AWS_ENDPOINT_URL=', ''));
  await time([CLI, 'apply', '--yes'], env);
  const times = ROWS.map(() => []);
  for (let run = 0; run < RUNS; run += 1) {
    for (const [index, { words }] of ROWS.entries()) times[index].push(await time(words, env));
  }
  report(times.map(median));
}

function report(medians) {
  const [bare] = medians;
  console.log(`Medians of ${RUNS} interleaved runs, Node ${process.versions.node}\n`);
  console.log(`${''.padEnd(34)}${'median'.padStart(8)}${'over node'.padStart(12)}${'target'.padStart(9)}`);
  let missed = 0;
  for (const [index, { name, target }] of ROWS.entries()) {
    const over = medians[index] - bare;
    const isOver = target !== undefined && over > target;
    if (isOver) missed += 1;
    const cells = [name.padEnd(34), ms(medians[index]).padStart(8), (index === 0 ? '' : ms(over)).padStart(12)];
    if (target !== undefined) cells.push(ms(target).padStart(9), isOver ? '  OVER' : '  PASS');
    console.log(cells.join(''));
  }
  if (missed > 0 && isStrict) process.exitCode = 1;
}

async function time(words, env) {
  const began = performance.now();
  const child = spawn(process.execPath, words, { cwd: folder, env, stdio: ['ignore', 'ignore', 'pipe'] });
  let stderr = '';
  child.stderr.setEncoding('utf8').on('data', (text) => (stderr += text));
  const [code] = await once(child, 'close');
  const took = performance.now() - began;
  if (code !== 0) throw new Error(`${words.join(' ')} exited ${code}: ${stderr}`);
  return took;
}

function environment(endpoint) {
  const kept = Object.entries(process.env).filter(([name]) => !/^(AWS_|BUILDKITE|LAMBDA_DEPLOY_|GREETING$)/.test(name));
  return {
    ...Object.fromEntries(kept),
    AWS_CONFIG_FILE: join(folder, 'no-config'),
    AWS_SHARED_CREDENTIALS_FILE: join(folder, 'no-credentials'),
    AWS_EC2_METADATA_DISABLED: 'true',
    AWS_ACCESS_KEY_ID: 'bench',
    AWS_SECRET_ACCESS_KEY: 'sandbox',
    AWS_ENDPOINT_URL: endpoint,
  };
}

function median(values) {
  return values.toSorted((left, right) => left - right)[Math.floor(values.length / 2)];
}

function ms(value) {
  return `${value.toFixed(0)} ms`;
}

async function cleanUp() {
  if (sandbox.exitCode === null && sandbox.signalCode === null) {
    const ended = once(sandbox, 'exit');
    sandbox.kill('SIGTERM');
    await ended;
  }
  await rm(folder, { recursive: true, force: true });
}
