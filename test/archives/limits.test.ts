import { mkdtemp, mkdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { zipSync } from 'fflate';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAX_ENTRIES } from '../../src/code/archive.js';
import { packDirectory } from '../../src/code/directory.js';
import { repackZip } from '../../src/code/repack.js';
import { refusal } from '../code/refusal.js';

let folder: string;
beforeAll(async () => void (folder = await mkdtemp(join(tmpdir(), 'archives-'))));
afterAll(() => rm(folder, { recursive: true, force: true }));

it(`packs and repacks ${MAX_ENTRIES} files, and refuses one more`, async () => {
  const path = join(folder, 'code');
  await mkdir(path);
  for (let file = 0; file < MAX_ENTRIES; file++) await writeFile(join(path, `${file}`), '');
  const packed = await packDirectory({ path, source: 'code' });
  try {
    expect(packed.entries).toBe(MAX_ENTRIES);
    const repacked = await repackZip({ path: packed.path, source: 'code.zip' });
    await repacked.remove();
    expect([repacked.entries, repacked.codeSha256]).toEqual([MAX_ENTRIES, packed.codeSha256]);
  } finally {
    await packed.remove();
  }

  await writeFile(join(path, 'one more'), '');
  expect(await refusal(packDirectory({ path, source: 'code' }))).toMatch(/^ZIP_TOO_LARGE: code holds more than 65534/);
  const names = Array.from({ length: MAX_ENTRIES + 1 }, (_, file) => [`${file}`, new Uint8Array()] as const);
  await writeFile(join(folder, 'more.zip'), zipSync(Object.fromEntries(names), { level: 0 }));
  const repack = repackZip({ path: join(folder, 'more.zip'), source: 'code.zip' });
  expect(await refusal(repack)).toMatch(/^ZIP_TOO_LARGE: code\.zip holds 65535 files/);
});
