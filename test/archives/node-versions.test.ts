import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { GOLDEN_SHA256 } from '../code/fixture.js';
import { bundleChild, runChild } from '../code/run-child.js';

const run = promisify(execFile);
let folder: string;
let child: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archives-'));
  child = await bundleChild(folder);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** npm's `node` package fetches one of these in a script; named directly they need none. @throws when npm has none for this machine */
async function installNode(major: number): Promise<string> {
  const prefix = join(folder, `node-${major}`);
  const name = `node-${process.platform}-${process.arch}`;
  const quiet = ['--no-audit', '--no-fund', '--ignore-scripts', '--loglevel=error'];
  await run('npm', ['install', '--prefix', prefix, ...quiet, `${name}@${major}`], { cwd: folder });
  return join(prefix, 'node_modules', name, 'bin/node');
}

// Without npm this fails and says so: a skipped version would be one of which nothing is known.
it.each([20, 22, 24])('Node %i writes the same bytes', async (major) => {
  const node = await installNode(major).catch((cause: Error) => {
    throw new Error(`Node ${major} cannot be had from npm, so nothing is known about it: ${cause.message}`);
  });
  const { stdout } = await run(node, ['--version']);
  expect(stdout).toMatch(new RegExp(`^v${major}\\.`));
  for (const [zone, umask] of [
    ['UTC', '022'],
    ['Asia/Tokyo', '077'],
  ] as const) {
    const path = join(folder, `fixture-${major}-${umask}`);
    const printed = await runChild(child, ['fixture', path, umask], { node, env: { TZ: zone } });
    console.log(`Node ${stdout.trim()}, ${zone}, umask ${umask}: ${printed.codeSha256}`);
    expect(printed).toMatchObject({ codeSha256: GOLDEN_SHA256, repackedSha256: GOLDEN_SHA256 });
  }
});
