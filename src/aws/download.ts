import { createHash } from 'node:crypto';
import { open } from 'node:fs/promises';
import { DeployError } from '../errors.js';
import type { ArchiveFile } from '../model/ports.js';
import { reveal, type Secret } from '../model/secret.js';

/** For the whole archive: 250 MB at the pace of a slow line. The link itself is good for ten minutes. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/**
 * Writes the archive behind a presigned link to a file, piece by piece. The link, which is a key to the code, is in no message.
 *
 * @throws AWS_UNREACHABLE when no archive arrived, AWS_REFUSED when the link is not accepted (it is good for ten minutes),
 *   ARCHIVE_NOT_WRITTEN
 */
export async function download(location: Secret, path: string): Promise<ArchiveFile> {
  const response = await arrives(() => fetch(reveal(location), { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) }));
  if (!response.ok)
    throw new DeployError('AWS_REFUSED', `The version’s archive could not be downloaded: HTTP ${response.status}.`, {
      source: 'aws',
      fix: 'run again: the link to the archive is good for ten minutes.',
    });
  const hash = createHash('sha256');
  let bytes = 0;
  const file = await writes(() => open(path, 'w'));
  try {
    const reader = response.body?.getReader();
    for (;;) {
      const piece = await arrives(async () => (await reader?.read())?.value as Uint8Array | undefined);
      if (piece === undefined) return { path, bytes, sha256: hash.digest('base64') };
      hash.update(piece);
      bytes += piece.byteLength;
      await writes(() => file.appendFile(piece));
    }
  } finally {
    await file.close();
  }
}

async function arrives<T>(read: () => Promise<T>): Promise<T> {
  try {
    return await read();
  } catch {
    // The error of fetch may quote the link.
    throw new DeployError('AWS_UNREACHABLE', 'The version’s archive could not be downloaded from AWS.', {
      source: 'aws',
      fix: 'check the network, then run again.',
    });
  }
}

async function writes<T>(write: () => Promise<T>): Promise<T> {
  try {
    return await write();
  } catch (cause) {
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw new DeployError('ARCHIVE_NOT_WRITTEN', `the version’s archive cannot be kept (${reason}).`, {
      cause,
      fix: 'free space in the folder for temporary files, or set TMPDIR to a folder with space.',
    });
  }
}
