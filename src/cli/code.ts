import { resolve } from 'node:path';
import { readFile } from 'node:fs/promises';
import pLimit from 'p-limit';
import type { PackedArchive } from '../code/archive.js';
import { packDirectory } from '../code/directory.js';
import { repackZip } from '../code/repack.js';
import { refuserOf, type CodeSource as LocalSource } from '../code/source.js';
import { inspectZip, readZip, THROUGH_S3 } from '../code/zip.js';
import { isDeployError, type DeployError } from '../errors.js';
import type { ArchiveRef, CodeRef } from '../model/function.js';
import { MAX_ZIP_BYTES } from '../model/limits.js';
import type { Warning } from '../model/plan.js';
import type { ArchiveFile, CodePayload, ImageRegistryPort, ObjectStorePort } from '../model/ports.js';
import type { CodeSource, SpecFunction } from '../spec/desired.js';
import type { LoadedSpec } from '../spec/load.js';
import { pinObject, uploadOf } from './objects.js';

/** The code of a file's functions: digests to plan with, and what a request carries once it is sent. */
export interface Codes {
  readonly refs: ReadonlyMap<string, CodeRef>;
  /** Where the archives of the file's own code are on this disk, by key; what was packed is gone after `close`. */
  readonly paths: ReadonlyMap<string, string>;
  readonly warnings: readonly Warning[];
  /** Code that travels in a request, as it is now; whoever sends it checks that it is still what was planned. */
  payload(key: string): Promise<CodePayload>;
  /** The archive that goes through S3. */
  archive(key: string): Promise<ArchiveFile>;
  /** Deletes what was packed. */
  close(): Promise<void>;
}

/** AWS, as far as reading code needs it. */
export interface CodeEdges {
  readonly resolveDigest: ImageRegistryPort['resolveDigest'];
  /** S3 in a function's own region, where it has one. */
  readonly objects: (region: string | undefined) => ObjectStorePort;
}

/** One function's code. */
export interface Material {
  readonly ref: CodeRef;
  /** Absent: Lambda takes it from S3. */
  readonly payload?: () => Promise<CodePayload>;
  /** Where the archive is on this disk; what was packed is gone after `close`. */
  readonly path?: string;
  readonly close?: () => Promise<void>;
  readonly warning?: Warning;
}

type LocalMaterial = Material & { readonly ref: ArchiveRef };

/** Sources that only AWS knows, asked side by side. */
const REMOTE: ReadonlySet<unknown> = new Set(['s3', 'image']);
const REMOTE_AT_ONCE = 8;

/**
 * Reads archives and packs directories, one after the other: two large archives at once would not fit into memory. Pins images
 * and objects. `edges` absent: code that cannot be had counts as not named, and AWS is not asked.
 *
 * @param isNeeded whether code that should be on this disk and is not is an error all the same
 * @throws ZIP_*, DIR_*, ARCHIVE_NOT_WRITTEN with the place in the file; AWS_* for images and objects; the first in the file's order
 */
export async function readCodes(
  spec: LoadedSpec,
  edges: CodeEdges | undefined,
  isNeeded = edges !== undefined,
): Promise<Codes> {
  const [local, remote] = [pLimit(1), pLimit(REMOTE_AT_ONCE)];
  const ends = await Promise.allSettled(
    spec.functions.map(async (one) => {
      const limit = REMOTE.has(one.codeSource?.kind) ? remote : local;
      return [one.key, await limit(() => read(spec, one, { edges, isNeeded }))] as const;
    }),
  );
  const materials = new Map<string, Material>();
  for (const end of ends)
    if (end.status === 'fulfilled' && end.value[1] !== undefined) materials.set(end.value[0], end.value[1]);
  const close = async (): Promise<void> => {
    await Promise.all([...materials.values()].map((one) => one.close?.()));
  };
  const failed = ends.find((end) => end.status === 'rejected');
  if (failed !== undefined) {
    await close();
    throw failed.reason;
  }
  return {
    refs: new Map([...materials].map(([key, { ref }]) => [key, ref])),
    paths: new Map([...materials].flatMap(([key, { path }]) => (path === undefined ? [] : [[key, path] as const]))),
    warnings: [...materials.values()].flatMap(({ warning }) => warning ?? []),
    payload: async (key) => {
      const payload = materials.get(key)?.payload;
      if (payload === undefined) throw new Error(`the code of ${key} travels in no request`);
      return payload();
    },
    archive: async (key) => {
      const { ref, path } = materials.get(key) ?? {};
      if (path === undefined || ref?.kind !== 'zip') throw new Error(`the code of ${key} is no archive here`);
      return { path, bytes: ref.zipBytes, sha256: ref.codeSha256 };
    },
    close,
  };
}

async function read(
  spec: LoadedSpec,
  one: SpecFunction,
  { edges, isNeeded }: { readonly edges: CodeEdges | undefined; readonly isNeeded: boolean },
): Promise<Material | undefined> {
  const { codeSource: source } = one;
  const region = one.region ?? spec.region;
  if (source === undefined || (edges === undefined && REMOTE.has(source.kind))) return undefined;
  if (source.kind === 'image') return edges && pin(source.image, await edges.resolveDigest(source.image));
  if (source.kind === 's3') return edges && pinObject(spec, one, source, edges.objects(region));
  try {
    const material = await readLocal(spec, source);
    return isNeeded ? await throughS3(material, source, edges && (() => edges.objects(region))) : material;
  } catch (error) {
    if (isNeeded || !isDeployError(error)) throw error;
    return undefined;
  }
}

async function readLocal(spec: LoadedSpec, source: CodeSource & { kind: 'zip' | 'dir' }): Promise<LocalMaterial> {
  const local = localOf(spec, source);
  // What this tool reads and writes beside the code is no part of it.
  const exclude = [spec.file, ...(spec.metadata.store === 'file' ? [spec.metadata.directory] : [])];
  if (source.kind === 'dir') return packed(local, await packDirectory({ ...local, exclude }));
  if (source.reproducible) return packed(local, await repackZip(local));
  const ref = source.uploadBucket === undefined ? (await readZip(local)).ref : await inspectZip(local);
  return { ref, path: local.path, payload: async () => ({ zip: (await readZip(local)).bytes }) };
}

function localOf({ directory }: LoadedSpec, source: CodeSource & { kind: 'zip' | 'dir' }): LocalSource {
  return {
    path: resolve(directory, source.path),
    source: source.path,
    location: source.location,
    ...(source.entryPoint === undefined ? {} : { entryPoint: source.entryPoint }),
  };
}

function packed({ source }: LocalSource, archive: PackedArchive): LocalMaterial {
  const { path, codeSha256, zipBytes, unzippedBytes, remove } = archive;
  return {
    ref: { kind: 'zip', source, codeSha256, zipBytes, unzippedBytes },
    payload: async () => ({ zip: await readFile(path) }),
    path,
    close: remove,
  };
}

/** The same material with the object that an archive over the limit of a request becomes. */
async function throughS3(
  material: LocalMaterial,
  source: CodeSource & { kind: 'zip' | 'dir' },
  objects: (() => ObjectStorePort) | undefined,
): Promise<Material> {
  const { ref, payload: _, ...rest } = material;
  const kms = source.sourceKmsKeyArn === undefined ? {} : { sourceKmsKeyArn: source.sourceKmsKeyArn };
  if (ref.zipBytes <= MAX_ZIP_BYTES) return { ...material, ref: { ...ref, ...kms } };
  try {
    if (source.uploadBucket === undefined) throw tooLarge(source, ref);
    return {
      ...rest,
      ref: { ...ref, ...kms, object: await uploadOf(objects?.(), source.uploadBucket, ref.codeSha256) },
    };
  } catch (error) {
    await material.close?.();
    throw error;
  }
}

function tooLarge({ path, location }: CodeSource & { kind: 'zip' | 'dir' }, { zipBytes }: ArchiveRef): DeployError {
  const why = `has ${zipBytes} bytes packed; Lambda takes ${MAX_ZIP_BYTES} in a request, and more only from S3`;
  return refuserOf({ path, source: path, location })('ZIP_TOO_LARGE', why, THROUGH_S3);
}

function pin(image: string, digest: string): Material {
  const imageUri = `${image.replace(/@.*$/, '').replace(/:[^/:]*$/, '')}@${digest}`;
  return {
    ref: { kind: 'image', source: image, imageUri, codeSha256: digest.replace(/^sha256:/, '') },
    payload: () => Promise.resolve({ imageUri }),
  };
}
