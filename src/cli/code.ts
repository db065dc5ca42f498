import { resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import { packDirectory } from '../code/directory.js';
import { repackZip } from '../code/repack.js';
import { refuserOf, type CodeSource as LocalSource } from '../code/source.js';
import { readZip } from '../code/zip.js';
import { isDeployError } from '../errors.js';
import type { CodeRef } from '../model/function.js';
import { MAX_ZIP_BYTES } from '../model/limits.js';
import type { CodePayload, ImageRegistryPort } from '../model/ports.js';
import type { CodeSource } from '../spec/desired.js';
import type { LoadedSpec } from '../spec/load.js';

/** The code of a file's functions: digests to plan with, and what a request carries once it is sent. */
export interface Codes {
  readonly refs: ReadonlyMap<string, CodeRef>;
  /** The code as it is now; whoever sends it checks that it is still what was planned. */
  payload(key: string): Promise<CodePayload>;
  /** Deletes what was packed. */
  close(): Promise<void>;
}

interface Material {
  readonly ref: CodeRef;
  readonly payload: () => Promise<CodePayload>;
  readonly close?: () => Promise<void>;
}

/**
 * Reads archives, packs directories and pins images, one after the other: two large archives at once would not fit into memory.
 * `absent`: code that cannot be had counts as not named, and no registry is asked.
 *
 * @throws ZIP_*, DIR_*, ARCHIVE_NOT_WRITTEN with the place in the file; AWS_* for images
 */
export async function readCodes(
  spec: LoadedSpec,
  missing: 'error' | 'absent',
  resolveDigest: ImageRegistryPort['resolveDigest'],
): Promise<Codes> {
  const materials = new Map<string, Material>();
  const close = async (): Promise<void> => {
    await Promise.all([...materials.values()].map((one) => one.close?.()));
  };
  try {
    for (const { key, codeSource } of spec.functions) {
      if (codeSource === undefined || (missing === 'absent' && codeSource.kind === 'image')) continue;
      const material = await read(spec, codeSource, resolveDigest).catch((error: unknown) => {
        if (missing === 'error' || !isDeployError(error)) throw error;
        return undefined;
      });
      if (material !== undefined) materials.set(key, material);
    }
  } catch (error) {
    await close();
    throw error;
  }
  return {
    refs: new Map([...materials].map(([key, { ref }]) => [key, ref])),
    payload: async (key) => {
      const material = materials.get(key);
      if (material === undefined) throw new Error(`no code for ${key}`);
      return material.payload();
    },
    close,
  };
}

async function read(
  spec: LoadedSpec,
  source: CodeSource,
  resolveDigest: ImageRegistryPort['resolveDigest'],
): Promise<Material> {
  if (source.kind === 'image') return pin(source.image, await resolveDigest(source.image));
  if (source.kind === 's3') throw new Error('the file format refuses code.s3 until it can be deployed');
  const local: LocalSource = {
    path: resolve(spec.directory, source.path),
    source: source.path,
    location: source.location,
    ...(source.entryPoint === undefined ? {} : { entryPoint: source.entryPoint }),
  };
  // What this tool reads and writes beside the code is no part of it.
  const exclude = [spec.file, ...(spec.metadata.store === 'file' ? [spec.metadata.directory] : [])];
  if (source.kind === 'dir') return pack(local, () => packDirectory({ ...local, exclude }));
  if (source.reproducible) return pack(local, repackZip);
  const { ref } = await readZip(local);
  return { ref, payload: async () => ({ zip: (await readZip(local)).bytes }) };
}

async function pack(local: LocalSource, packer: typeof repackZip): Promise<Material> {
  const { path, codeSha256, zipBytes, unzippedBytes, remove } = await packer(local);
  if (zipBytes > MAX_ZIP_BYTES) {
    await remove();
    const why = `has ${zipBytes} bytes packed; Lambda takes ${MAX_ZIP_BYTES} in a request, and upload through S3 is not supported yet`;
    throw refuserOf(local)('ZIP_TOO_LARGE', why, 'leave out what the function does not need.');
  }
  return {
    ref: { kind: 'zip', source: local.source, codeSha256, zipBytes, unzippedBytes },
    payload: async () => ({ zip: await readFile(path) }),
    close: remove,
  };
}

function pin(image: string, digest: string): Material {
  const imageUri = `${image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')}@${digest}`;
  return {
    ref: { kind: 'image', source: image, imageUri, codeSha256: digest.replace(/^sha256:/, '') },
    payload: () => Promise.resolve({ imageUri }),
  };
}
