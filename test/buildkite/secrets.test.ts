import { readdir, readFile } from 'node:fs/promises';
import path from 'node:path';
import { UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { unzipSync } from 'fflate';
import { expect, it } from 'vitest';
import { formsOf } from '../e2e/planted.js';
import { deployed, fileOf, hello, okHandler } from '../e2e/support.js';
import { jobEnv, standIn } from './support.js';

/** With what JSON, a shell, a URL and Markdown escape. */
const TOKEN = 'planted-"token" `with` $pecial|ch*rs';
const BY_HAND = 'planted-by-hand-in-the-console';

/** Everything that a build was given, by file, archives and their archives unpacked; but for what the redactor was handed. */
async function givenTo(folder: string): Promise<Map<string, string>> {
  const found = new Map<string, string>();
  const add = (name: string, bytes: Uint8Array): void => {
    found.set(name, Buffer.from(bytes).toString());
    if (name.endsWith('.zip'))
      Object.entries(unzipSync(bytes)).forEach(([inner, more]) => add(`${name}/${inner}`, more));
  };
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    const name = path.join(entry.parentPath, entry.name);
    if (entry.isFile() && entry.name !== 'secrets.jsonl') add(name, await readFile(name));
  }
  return found;
}

it('no secret is in log, annotation, artifact, meta-data or record, raw or encoded, and each is handed to the redactor once', async () => {
  const build = await standIn();
  const file = (more: object) =>
    fileOf(
      { hello: hello({ environment: { TOKEN: '${secret:TOKEN}', PLAIN: 'x' }, ...more }) },
      { metadata: 'buildkite' },
    );
  const it = await deployed({ settleMs: 0 });
  const env = { ...jobEnv(build, 'all'), TOKEN };
  const run = async (exitCode: number, ...words: string[]): Promise<void> => {
    const ran = await it.runWith({ env }, ...words);
    expect(ran.exitCode, ran.out + ran.err).toBe(exitCode);
  };
  await it.file(file({}));
  await run(0, 'plan', '--out', 'plan.zip');
  await run(0, 'apply', 'plan.zip', '--plan-step', 'all');
  const variables = () => it.fn().latest.content.config['Environment'] as { Variables: Record<string, string> };
  expect(variables().Variables['TOKEN']).toBe(TOKEN);
  const byHand = { FunctionName: 'hello', Environment: { Variables: { ...variables().Variables, BY_HAND } } };
  await it.client.send(new UpdateFunctionConfigurationCommand(byHand));
  expect(variables().Variables['BY_HAND']).toBe(BY_HAND);
  await run(2, 'drift');
  await it.code(okHandler('two'));
  await it.file(file({ timeout: 7 }));
  await run(0, 'apply', '--yes', '--format', 'json');
  await run(0, 'rollback', '--yes', '--format', 'markdown');

  const handed = await build.secrets();
  expect(handed).toContain(TOKEN);
  expect(handed).toContain(BY_HAND);
  const searched = new Map([
    ...(await givenTo(build.folder)),
    ...it.outputs.map((text, at) => [`output ${at}`, text] as const),
  ]);
  const leaks = [...searched].filter(([, text]) =>
    [TOKEN, BY_HAND].flatMap(formsOf).some((form) => text.includes(form)),
  );
  expect(leaks.map(([name]) => name)).toEqual([]);
  console.log(
    `searched ${searched.size} files and outputs for ${formsOf(TOKEN).length + formsOf(BY_HAND).length} forms`,
  );
  expect(searched.size).toBeGreaterThan(20);
});
