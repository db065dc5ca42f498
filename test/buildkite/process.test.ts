import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';
import { describe, expect, it, onTestFinished } from 'vitest';
import { createBuildAgent } from '../../src/buildkite/agent.js';
import { runProgram, type ProgramRun } from '../../src/buildkite/process.js';

const SOURCE = fileURLToPath(new URL('../../src/buildkite/process.ts', import.meta.url));

function runIn(more: Partial<ProgramRun> = {}): ProgramRun {
  return { input: '', env: process.env, cwd: '/', cut: new AbortController().signal, ...more };
}

async function folder(): Promise<string> {
  const made = await mkdtemp(path.join(tmpdir(), 'process-'));
  onTestFinished(() => rm(made, { recursive: true, force: true }));
  return made;
}

describe('a program that the system does not start', () => {
  it.each([
    ['an argument over the system’s limit', 'true', ['x'.repeat(3_000_000)], {}, 'E2BIG'],
    ['a zero byte in an argument', 'true', ['\0'], {}, 'ERR_INVALID_ARG_VALUE'],
    ['a working directory that is gone', 'true', [], { cwd: '/nonexistent' }, 'ENOENT'],
    ['no such program', 'no-such-program', [], {}, 'ENOENT'],
  ])('%s is an answer, never an exception', async (_, name, args, more, reason) => {
    expect(await runProgram(name, args, runIn(more))).toEqual({ status: 'unstarted', reason });
  });

  it('a file that may not be executed', async () => {
    const bin = await folder();
    await writeFile(path.join(bin, 'plain'), 'x', { mode: 0o644 });
    const run = runIn({ env: { PATH: bin } });
    expect(await runProgram('plain', [], run)).toEqual({ status: 'unstarted', reason: 'EACCES' });
  });

  it('out of file descriptors it is the same', async () => {
    const bundle = path.join(await folder(), 'process.mjs');
    await build({ entryPoints: [SOURCE], outfile: bundle, bundle: true, platform: 'node', format: 'esm' });
    const script = `
      const { openSync } = await import('node:fs');
      const { runProgram } = await import(${JSON.stringify(bundle)});
      try { for (;;) openSync('/dev/null'); } catch {}
      const run = { input: 'x', env: process.env, cwd: '/', cut: new AbortController().signal };
      console.log(JSON.stringify(await runProgram('true', [], run)));`;
    const limited = ['-c', 'ulimit -n 64; exec "$0" --input-type=module -e "$1"', process.execPath, script];
    const { stdout } = await promisify(execFile)('sh', limited);
    expect(JSON.parse(stdout)).toEqual({ status: 'unstarted', reason: 'EMFILE' });
  });

  it('is one error of the agent’s, that says why', async () => {
    const { env, cwd, cut: signal } = runIn({ env: { PATH: 'x\0' } });
    await expect(createBuildAgent({ env, cwd, signal }).setMetaData('a', 'b')).rejects.toMatchObject({
      code: 'BUILD_AGENT',
      detail: 'buildkite-agent meta-data set cannot be started: ERR_INVALID_ARG_VALUE.',
    });
  });
});
