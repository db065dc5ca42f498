// The packer in a process of its own, whose time zone, umask, user or Node is another: prints one line of JSON.
import { mkdir } from 'node:fs/promises';
import { packDirectory } from '../../src/code/directory.js';
import { repackZip } from '../../src/code/repack.js';
import { isDeployError } from '../../src/errors.js';
import { makeFixture } from './fixture.js';

const [verb = '', path = '', umask = '022'] = process.argv.slice(2);
process.umask(Number.parseInt(umask, 8));
try {
  if (verb === 'fixture') {
    await mkdir(path);
    await makeFixture(path);
  }
  const source = { path, source: 'code' };
  const archive = await (verb === 'repack' ? repackZip(source) : packDirectory(source));
  // Asked first: what follows is not the packer's.
  const peakBytes = process.resourceUsage().maxRSS * 1024;
  const again = verb === 'fixture' ? await repackZip({ path: archive.path, source: 'code' }) : undefined;
  await again?.remove();
  if (process.argv[5] !== 'keep') await archive.remove();
  const { path: packed, codeSha256, zipBytes, unzippedBytes, entries } = archive;
  const repackedSha256 = again?.codeSha256;
  console.log(JSON.stringify({ packed, codeSha256, repackedSha256, zipBytes, unzippedBytes, entries, peakBytes }));
} catch (error) {
  if (!isDeployError(error)) throw error;
  console.log(JSON.stringify({ code: error.code, detail: error.detail }));
}
