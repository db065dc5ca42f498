import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { build } from 'esbuild';

export interface Printed {
  readonly packed?: string;
  readonly codeSha256?: string;
  readonly repackedSha256?: string;
  readonly entries?: number;
  readonly unzippedBytes?: number;
  readonly peakBytes?: number;
  readonly code?: string;
  readonly detail?: string;
}

/** Bundles child.ts into the folder, so that any Node runs it as users' Node runs dist; gives its path. */
export async function bundleChild(folder: string): Promise<string> {
  const outfile = join(folder, 'child.mjs');
  await build({
    entryPoints: [fileURLToPath(new URL('child.ts', import.meta.url))],
    outfile,
    bundle: true,
    format: 'esm',
    platform: 'node',
    target: 'node20',
    mainFields: ['module', 'main'],
    banner: { js: "import { createRequire as __c } from 'node:module'; const require = __c(import.meta.url);" },
    logLevel: 'warning',
  });
  return outfile;
}

export interface ChildOptions {
  readonly node?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly uid?: number;
}

/** Runs it and gives what it printed; rejects when it fails with anything but a DeployError. */
export async function runChild(child: string, args: readonly string[], options: ChildOptions = {}): Promise<Printed> {
  const { node = process.execPath, env = {}, uid } = options;
  const { stdout } = await promisify(execFile)(node, [child, ...args], {
    env: { ...process.env, ...env },
    ...(uid === undefined ? {} : { uid, gid: uid }),
  });
  return JSON.parse(stdout) as Printed;
}
