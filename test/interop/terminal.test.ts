import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { fileURLToPath } from 'node:url';
import { describe, expect, it } from 'vitest';
import { show } from '../cli/screen.js';
import { failsFromSecondCall, fileOf, hello, okHandler, stage } from '../e2e/support.js';
import { program, works } from './support.js';

const MAIN = fileURLToPath(new URL('../../dist/main.js', import.meta.url));
const hasScript = await works('the task list on a real terminal', 'script', '-qec', 'true', '/dev/null');

describe.skipIf(!hasScript)('an apply on a terminal', () => {
  /** What the terminal shows, and what went to stdout, which is no terminal. */
  async function onTerminal(handler: string): Promise<{ shown: string[]; out: string; exitCode: number }> {
    const run = await stage({ settleMs: 1_200 });
    await run.file(fileOf({ hello: hello() }));
    await run.code(okHandler('one'));
    expect(await run.run('apply', '--yes')).toMatchObject({ exitCode: 0 });
    await run.code(handler);
    const line = `env -u CI -u BUILDKITE TERM=xterm '${process.execPath}' '${MAIN}' apply --yes > out.txt`;
    const ran = await program(run.sandbox.url, run.folder, 'script', ['-qec', line, '/dev/null']);
    return {
      shown: show(ran.out),
      out: await readFile(path.join(run.folder, 'out.txt'), 'utf8'),
      exitCode: ran.exitCode,
    };
  }

  it('draws the list on stderr, and stdout has the result alone', async () => {
    const { shown, out, exitCode } = await onTerminal(okHandler('two'));
    expect(exitCode).toBe(0);
    expect(shown[0]).toBe('✔ hello  succeeded');
    expect(shown.slice(1).map((line) => line.replace(/\s+[\d.]+ m?s$/, ''))).toEqual([
      '  ✔ TagResource (open the record)',
      '  ✔ UpdateFunctionCode',
      '  ✔ PublishVersion: version 2',
      '  ✔ Invoke the version by number: status 200',
      '  ✔ UpdateAlias: live 1 → 2',
      '  ✔ Invoke live: status 200',
      '  ✔ TagResource (close the record)',
    ]);
    expect(out).toMatch(/^hello {2}update[^]*Apply succeeded\.\n$/);
    expect(out).not.toMatch(/\u001b|✔/);
  });

  it('shows the log tail of a failed check whole, below the list', async () => {
    const { shown, exitCode } = await onTerminal(failsFromSecondCall);
    expect(exitCode).toBe(4);
    expect(shown[0]).toBe('⚠ hello  rolled back');
    expect(shown).toEqual(expect.arrayContaining([expect.stringMatching(/✖ Invoke live/)]));
    const tail = shown.findIndex((line) => line.includes('log tail of the failed invocation'));
    expect(tail).toBeGreaterThan(7);
    expect(shown.slice(tail).join('\n')).toMatch(/START RequestId[^]*second call[^]*END RequestId/);
  });
});
