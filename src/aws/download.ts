import { DeployError } from '../errors.js';
import { reveal, type Secret } from '../model/secret.js';

/** For the whole archive: 250 MB at the pace of a slow line. The link itself is good for ten minutes. */
const DOWNLOAD_TIMEOUT_MS = 10 * 60_000;

/**
 * The archive behind a presigned link, whole. The link, which is a key to the code, is in no message.
 *
 * @throws AWS_UNREACHABLE when no archive arrived, AWS_REFUSED when the link is not accepted (it is good for ten minutes)
 */
export async function download(location: Secret): Promise<Uint8Array> {
  let response: Response;
  try {
    response = await fetch(reveal(location), { signal: AbortSignal.timeout(DOWNLOAD_TIMEOUT_MS) });
    if (response.ok) return new Uint8Array(await response.arrayBuffer());
  } catch {
    // The error of fetch may quote the link.
    throw new DeployError('AWS_UNREACHABLE', 'The version’s archive could not be downloaded from AWS.', {
      source: 'aws',
      fix: 'check the network, then run again.',
    });
  }
  throw new DeployError('AWS_REFUSED', `The version’s archive could not be downloaded: HTTP ${response.status}.`, {
    source: 'aws',
    fix: 'run again: the link to the archive is good for ten minutes.',
  });
}
