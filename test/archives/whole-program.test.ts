import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { randomFillSync } from 'node:crypto';
import { mkdir, mkdtemp, open, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { DeleteObjectCommand, ListObjectsV2Command, S3Client } from '@aws-sdk/client-s3';
import { afterAll, beforeAll, expect, it, onTestFinished } from 'vitest';
import { MAX_UNZIPPED_BYTES } from '../../src/model/limits.js';

/** Of the whole process: program, SDK and archive. */
const PEAK_BYTES = 200_000_000;
const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
/** Tells what the process took, once it is over, where nothing else is printed. */
const METER = `data:text/javascript,${encodeURIComponent(
  "process.on('exit', () => process.stderr.write('peak ' + process.resourceUsage().maxRSS * 1024 + '\\n'));",
)}`;
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'whole-'));
  await mkdir(join(folder, 'tmp'));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

interface Ran {
  readonly exitCode: number | null;
  readonly out: string;
  readonly err: string;
  readonly peakBytes: number;
}

/** The built program, in a process of its own. */
function start(env: Readonly<Record<string, string>>, argv: readonly string[]) {
  const child = spawn(process.execPath, ['--import', METER, MAIN, ...argv], {
    cwd: folder,
    env: {
      PATH: process.env['PATH'] ?? '',
      HOME: folder,
      TMPDIR: join(folder, 'tmp'),
      AWS_ACCESS_KEY_ID: 'AKIDEXAMPLE',
      AWS_SECRET_ACCESS_KEY: 'test',
      AWS_EC2_METADATA_DISABLED: 'true',
      ...env,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  onTestFinished(() => void child.kill('SIGKILL'));
  let [out, err] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (err += text));
  const done = once(child, 'close').then(([exitCode]): Ran => {
    const peakBytes = Number(/peak (\d+)/.exec(err)?.[1] ?? Infinity);
    return { exitCode: exitCode as number | null, out, err, peakBytes };
  });
  return { child, done };
}

async function startSandbox(): Promise<{ url: string; close: () => void }> {
  await writeFile(join(folder, 'seed.json'), JSON.stringify({ buckets: { uploads: {} } }));
  const { child, done } = start({}, ['sandbox', '--port', '0', '--seed', 'seed.json']);
  const url = await Promise.race([
    new Promise<string>((resolve) => {
      let text = '';
      child.stdout.on('data', (chunk: string) => {
        text += chunk;
        const found = /AWS_ENDPOINT_URL=(\S+)\n/.exec(text)?.[1];
        if (found !== undefined) resolve(found);
      });
    }),
    done.then(({ err }) => Promise.reject(new Error(`the sandbox ended: ${err}`))),
  ]);
  return { url, close: () => void child.kill('SIGTERM') };
}

/** Bytes that deflate cannot make smaller, so that the archive is as large as the code. */
async function writeCode(handler: string): Promise<void> {
  const source = Buffer.from(handler);
  await mkdir(join(folder, 'code'), { recursive: true });
  await writeFile(join(folder, 'code', 'index.mjs'), source);
  const file = await open(join(folder, 'code', 'model.bin'), 'w');
  const block = randomFillSync(Buffer.alloc(1_048_576));
  for (let left = MAX_UNZIPPED_BYTES - source.length; left > 0; left -= block.length)
    await file.write(block, 0, Math.min(left, block.length));
  await file.close();
}

/** So that a rollback has to upload the version's own archive. */
async function emptyBucket(endpoint: string): Promise<void> {
  const credentials = { accessKeyId: 'AKIDEXAMPLE', secretAccessKey: 'test' };
  const s3 = new S3Client({ endpoint, region: 'us-east-1', credentials, forcePathStyle: true });
  const { Contents: objects = [] } = await s3.send(new ListObjectsV2Command({ Bucket: 'uploads' }));
  for (const { Key } of objects) await s3.send(new DeleteObjectCommand({ Bucket: 'uploads', Key }));
  s3.destroy();
}

const FILE = {
  version: 1,
  region: 'us-east-1',
  functions: {
    big: {
      code: { dir: 'code', bucket: 'uploads' },
      runtime: 'nodejs22.x',
      handler: 'index.handler',
      role: 'arn:aws:iam::123456789012:role/big',
      aliases: { live: {} },
    },
  },
};

it('plans, applies and rolls back 250 MB through S3, each in a process that stays under 200 MB', async () => {
  const { url, close } = await startSandbox();
  await writeFile(join(folder, 'lambda.deploy.yaml'), JSON.stringify(FILE));
  const peaks: string[] = [];
  const run = async (...argv: string[]): Promise<Ran> => {
    const ran = await start({ AWS_ENDPOINT_URL: url }, argv).done;
    peaks.push(`${argv[0] ?? ''}: peak ${Math.round(ran.peakBytes / 1e6)} MB`);
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    expect(ran.peakBytes, peaks.join(', ')).toBeLessThan(PEAK_BYTES);
    return ran;
  };
  await writeCode('export const handler = async () => 1;');
  expect((await run('plan')).out).toContain('PutObject');
  await run('apply', '--yes');
  expect((await run('plan')).out).toContain('No changes.');
  await writeCode('export const handler = async () => 2;');
  await run('apply', '--yes');
  await emptyBucket(url);
  const back = await run('rollback', '--yes');
  expect(back.err).toContain('done PutObject');
  expect(back.out).toContain('live: version 1 (was 2)');
  console.log(peaks.join(', '));
  close();
  expect(await readdir(join(folder, 'tmp'))).toEqual([]);
});
