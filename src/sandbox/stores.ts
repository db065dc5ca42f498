import { createHash, randomBytes } from 'node:crypto';
import { gatewayError } from './errors.js';

/** What a sandbox starts with beside Lambda, see specs/0007-sandbox.md. The same in every region. */
export interface Seed {
  /** SSM parameters by name. */
  readonly parameters?: Readonly<Record<string, string>>;
  /** Secrets by name: a string, or bytes in base64. */
  readonly secrets?: Readonly<Record<string, string | { readonly binary: string }>>;
  readonly buckets?: Readonly<Record<string, BucketSeed>>;
  /** Digests (`sha256:…`) by image, `REGISTRY/REPOSITORY:TAG`. */
  readonly images?: Readonly<Record<string, string>>;
  /** CloudWatch alarms by name. */
  readonly alarms?: Readonly<Record<string, Alarm>>;
  /** `ssm:NAME` and `secretsmanager:NAME` of what the caller may not read. */
  readonly denied?: readonly string[];
}

/** A CloudWatch alarm. Nothing evaluates it: it stays as it is until somebody sets it. */
export interface Alarm {
  readonly type: 'metric' | 'composite';
  readonly state: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA';
  readonly reason: string;
}

export interface BucketSeed {
  /** Default false. */
  readonly versioning?: boolean;
  /** Text by key. */
  readonly objects?: Readonly<Record<string, string>>;
}

/** One version of an object, or a delete marker. */
export interface ObjectVersion {
  readonly versionId: string;
  /** Absent: a delete marker. */
  readonly body?: Uint8Array;
  /** With its quotes. */
  readonly etag: string;
  /** Headers as they were given: checksums and the content's type. */
  readonly headers: Readonly<Record<string, string>>;
  /** Milliseconds since the epoch. */
  readonly modified: number;
}

export interface Bucket {
  readonly versioning: boolean;
  /** Versions by key, the newest last; without versioning there is one. */
  readonly objects: Map<string, readonly ObjectVersion[]>;
}

/** Everything that the sandbox knows beside functions. Tests may edit it, for instance to move a tag. */
export interface Stores {
  readonly parameters: Map<string, string>;
  readonly secrets: Map<string, string | { readonly binary: string }>;
  readonly buckets: Map<string, Bucket>;
  /** Digests by image. */
  readonly images: Map<string, string>;
  /** Folders with a handler by `REGISTRY/REPOSITORY@sha256:…`. */
  readonly imageFolders: Map<string, string>;
  /** CloudWatch alarms by name; `set` another state at any time. */
  readonly alarms: Map<string, Alarm>;
  /** What Invoke counted, see metrics.ts. */
  readonly metrics: Metrics;
  readonly denied: Set<string>;
}

/** Sums by minute (its beginning, milliseconds since the epoch), by metric and dimensions. */
export type Metrics = Map<string, Map<number, number>>;

/** `REGISTRY/REPOSITORY` of an image, without its tag and digest. */
export function repositoryOf(image: string): string {
  return image.replace(/@.*$/, '').replace(/:[^/:]*$/, '');
}

/** The stores that a sandbox starts with. */
export function createStores(seed: Seed, now: number): Stores {
  const buckets = Object.entries(seed.buckets ?? {}).map(([name, { versioning = false, objects = {} }]) => {
    const bucket: Bucket = { versioning, objects: new Map() };
    for (const [key, text] of Object.entries(objects)) putVersion(bucket, key, { body: Buffer.from(text), now });
    return [name, bucket] as const;
  });
  return {
    parameters: new Map(Object.entries(seed.parameters ?? {})),
    secrets: new Map(Object.entries(seed.secrets ?? {})),
    buckets: new Map(buckets),
    images: new Map(Object.entries(seed.images ?? {})),
    imageFolders: new Map(),
    alarms: new Map(Object.entries(seed.alarms ?? {})),
    metrics: new Map(),
    denied: new Set(seed.denied ?? []),
  };
}

/**
 * Lets Invoke run images. An image that only has a folder gets a digest made of its name.
 *
 * @param folders folders with a handler by image
 */
export function mapImages({ images, imageFolders }: Stores, folders: Readonly<Record<string, string>>): void {
  for (const [image, folder] of Object.entries(folders)) {
    const digest =
      /@(.+)$/.exec(image)?.[1] ?? images.get(image) ?? `sha256:${createHash('sha256').update(image).digest('hex')}`;
    images.set(image, digest);
    imageFolders.set(`${repositoryOf(image)}@${digest}`, folder);
  }
}

/** Adds a version, or replaces the only one. Without a body: a delete marker. */
export function putVersion(
  bucket: Bucket,
  key: string,
  put: {
    readonly body?: Uint8Array;
    readonly now: number;
    readonly headers?: Readonly<Record<string, string>>;
  },
): ObjectVersion {
  const version: ObjectVersion = {
    versionId: bucket.versioning ? randomBytes(16).toString('base64url') : 'null',
    etag: `"${createHash('md5')
      .update(put.body ?? '')
      .digest('hex')}"`,
    headers: put.headers ?? {},
    modified: put.now,
    ...(put.body === undefined ? {} : { body: put.body }),
  };
  const before = bucket.versioning ? (bucket.objects.get(key) ?? []) : [];
  bucket.objects.set(key, [...before, version]);
  return version;
}

/** An object's newest version, or the one that is asked for. */
export function findVersion(bucket: Bucket, key: string, versionId?: string): ObjectVersion | undefined {
  const versions = bucket.objects.get(key) ?? [];
  return versionId === undefined ? versions.at(-1) : versions.find((version) => version.versionId === versionId);
}

/** The digest of an image by tag or by digest; `undefined`: there is no such image. */
export function digestOf(stores: Stores, image: string): string | undefined {
  const digest = /@(.+)$/.exec(image)?.[1];
  if (digest === undefined) return stores.images.get(image);
  const repository = repositoryOf(image);
  const known = [...stores.images].some(([name, value]) => value === digest && repositoryOf(name) === repository);
  return known ? digest : undefined;
}

/** @throws AwsError AccessDeniedException when the seed denies it */
export function checkAllowed(stores: Stores, account: string, action: string, name: string): void {
  const [service = ''] = action.split(':');
  if (!stores.denied.has(`${service}:${name}`)) return;
  throw gatewayError(
    400,
    'AccessDeniedException',
    `User: arn:aws:iam::${account}:user/sandbox is not authorized to perform: ${action} on resource: ${name} because no identity-based policy allows the ${action} action`,
  );
}
