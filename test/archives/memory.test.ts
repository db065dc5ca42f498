import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { tmpdir } from 'node:os';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { MAX_UNZIPPED_BYTES } from '../../src/model/limits.js';
import { bundleChild, runChild } from '../code/run-child.js';

const FILES = 20_000;
/** What a command may take is 200 MB; its SDK and its plan are not in this process and take some 15. */
const PEAK_BYTES = 180_000_000;
let folder: string;
let child: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'archives-'));
  child = await bundleChild(folder);
  const text = Array.from({ length: 300 }, (_, line) => `exports.f${(line * 7919) % 997} = ${line};\n`).join('');
  const small = Buffer.from(text.repeat(2).slice(0, 8000));
  for (let file = 0; file < FILES - 1; file++) {
    small.write(String(file).padStart(8));
    const path = join(folder, 'code', `module-${file % 200}`, `${file}.js`);
    if (file < 200) await mkdir(dirname(path), { recursive: true });
    await writeFile(path, small);
  }
  // One file of 90 MB: with the small ones all that Lambda allows.
  const rest = MAX_UNZIPPED_BYTES - (FILES - 1) * small.length;
  await writeFile(join(folder, 'code', 'model.bin'), Buffer.alloc(rest, text));
});
afterAll(() => rm(folder, { recursive: true, force: true }));

it('packs and repacks 250 MB in 20,000 files, each in a process that leaves room under 200 MB', async () => {
  const packed = await runChild(child, ['pack', join(folder, 'code'), '022', 'keep']);
  try {
    const repacked = await runChild(child, ['repack', packed.packed ?? '']);
    for (const [what, { peakBytes = Infinity }] of Object.entries({ packed, repacked })) {
      console.log(`${what}: peak ${Math.round(peakBytes / 1e6)} MB`);
      expect(peakBytes).toBeLessThan(PEAK_BYTES);
    }
    expect(packed).toMatchObject({ entries: FILES, unzippedBytes: MAX_UNZIPPED_BYTES });
    expect(repacked.codeSha256).toBe(packed.codeSha256);
  } finally {
    if (packed.packed !== undefined) await rm(dirname(packed.packed), { recursive: true });
  }
});
