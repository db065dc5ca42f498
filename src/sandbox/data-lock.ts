import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { readdir, rm } from 'node:fs/promises';
import { connect, createServer } from 'node:net';
import path from 'node:path';

/** What the address of a socket may have, in bytes, on every system. @see https://man7.org/linux/man-pages/man7/unix.7.html */
const MAX_SOCKET_PATH_BYTES = 100;

/**
 * Takes a file for this process; answers how to let it go. The lock is a socket beside the file on which its owner listens: one that
 * nobody answers is what a crash left, and is removed. Each owner has a socket of its own name, so that nobody ever removes one that
 * was taken meanwhile. Of two that start at the same moment one at most gets the file.
 *
 * @throws Error in half a sentence, when another process has it
 */
export async function lockFile(file: string): Promise<() => Promise<void>> {
  const [folder, name] = [path.dirname(file), path.basename(file)];
  const own = `.${name}.${randomBytes(4).toString('hex')}.lock`;
  const server = createServer((socket) => socket.destroy());
  server.listen(socketPath(path.join(folder, own)));
  await once(server, 'listening');
  server.unref();
  const release = async (): Promise<void> => {
    const closed = once(server, 'close');
    server.close();
    await closed;
  };
  for (const other of await readdir(folder)) {
    if (other === own || !isLockOf(other, name)) continue;
    const at = path.join(folder, other);
    if (await isAnswered(socketPath(at))) {
      await release();
      throw new Error('is in use by another sandbox');
    }
    await rm(at, { force: true });
  }
  return release;
}

function isLockOf(entry: string, name: string): boolean {
  const middle = entry.slice(name.length + 2, -'.lock'.length);
  return entry === `.${name}.${middle}.lock` && /^[0-9a-f]{8}$/.test(middle);
}

/** @throws Error for a path that no socket can have; the system would cut it off */
function socketPath(absolute: string): string {
  const relative = path.relative('', absolute);
  const shorter = relative.length < absolute.length ? relative : absolute;
  if (Buffer.byteLength(shorter) <= MAX_SOCKET_PATH_BYTES) return shorter;
  throw new Error(
    'has a path too long for a lock beside it: start in a folder nearer to it, or give it a shorter name',
  );
}

async function isAnswered(address: string): Promise<boolean> {
  const socket = connect(address);
  try {
    await once(socket, 'connect');
    return true;
  } catch (error) {
    // Anything else (denied, too many at once) is no proof that nobody is there.
    return !['ECONNREFUSED', 'ENOENT'].includes(String((error as NodeJS.ErrnoException).code));
  } finally {
    socket.destroy();
  }
}
