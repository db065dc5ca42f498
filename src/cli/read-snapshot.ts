import { open } from 'node:fs/promises';
import { resolve } from 'node:path';
import { DeployError } from '../errors.js';
import { isUnreadable, type LiveFunction, type LiveVersion } from '../model/function.js';
import type { LiveState, SnapshotFunction, SnapshotVersion } from '../model/live-state.js';
import { Secret } from '../model/secret.js';
import validate from '../spec/generated/validate-live-state.js';
import { VERSION, type Context } from './context.js';

/** Hundreds of functions with hundreds of versions have a few. */
const MAX_BYTES = 67_108_864;

/** How a snapshot is taken. */
export const TAKE_AGAIN = 'take a new one with lambda-deploy status --format json --out FILE.';

/** @throws LIVE_STATE for anything that is no whole snapshot of a format that this version reads */
export async function readSnapshot({ host }: Pick<Context, 'host'>, path: string): Promise<LiveState> {
  let document: unknown;
  try {
    document = JSON.parse(await readText(resolve(host.cwd, path), path));
  } catch (error) {
    // What a parser says quotes the text.
    if (error instanceof SyntaxError) throw unusable(path, 'is no whole JSON');
    throw error;
  }
  const { formatVersion } = (document ?? {}) as { formatVersion?: unknown };
  if (typeof formatVersion === 'string' && formatVersion !== '1')
    throw unusable(
      path,
      `has format ${JSON.stringify(formatVersion.slice(0, 20))}, which this lambda-deploy (${VERSION}) does not read`,
    );
  if (validate(document)) return document as LiveState;
  const [first] = validate.errors ?? [];
  throw unusable(
    path,
    `is no snapshot${first === undefined ? '' : ` (${first.instancePath.slice(0, 200)} ${first.message ?? ''})`}`,
  );
}

async function readText(file: string, path: string): Promise<string> {
  try {
    const handle = await open(file);
    try {
      const about = await handle.stat();
      // A pipe or a device may never end.
      if (!about.isFile()) throw unusable(path, 'is no regular file');
      if (about.size > MAX_BYTES) throw unusable(path, `has ${about.size} bytes; ${MAX_BYTES} are the limit`);
      return new TextDecoder('utf-8', { fatal: true }).decode(await handle.readFile());
    } finally {
      await handle.close();
    }
  } catch (cause) {
    if (cause instanceof DeployError) throw cause;
    if (cause instanceof TypeError) throw unusable(path, 'is not UTF-8', cause);
    const reason = (cause as NodeJS.ErrnoException).code ?? 'unknown reason';
    throw unusable(path, reason === 'ENOENT' ? 'does not exist' : `cannot be read (${reason})`, cause);
  }
}

/** The function as a plan wants it. A variable has a value that no file can have, and that is equal to itself alone. */
export function liveOf(one: SnapshotFunction): LiveFunction | undefined {
  if (!one.exists) return undefined;
  const { name, arn, latest, aliases, versions, tags, codeSigningConfigArn, reservedConcurrentExecutions } = one;
  return {
    name,
    arn,
    latest: versionOf(latest),
    aliases,
    versions: versions.map(versionOf),
    tags: isUnreadable(tags)
      ? tags
      : Object.fromEntries(Object.entries(tags).map(([key, value]) => [key, value ?? ''])),
    ...(codeSigningConfigArn === undefined ? {} : { codeSigningConfigArn }),
    ...(reservedConcurrentExecutions === undefined ? {} : { reservedConcurrentExecutions }),
  };
}

function versionOf({ variables, ...rest }: SnapshotVersion): LiveVersion {
  if (isUnreadable(variables)) return { ...rest, environment: variables };
  const named = Object.entries(variables).map(([name, value]) => [name, new Secret(`\u0000${value}`)] as const);
  return { ...rest, environment: Object.fromEntries(named) };
}

/** The error of a snapshot that cannot be used. */
export function unusable(path: string, why: string, cause?: unknown): DeployError {
  return new DeployError('LIVE_STATE', `the snapshot ${path} ${why}.`, { cause, fix: TAKE_AGAIN });
}
