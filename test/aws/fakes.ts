import { createHash, randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { parseImage } from '../../src/aws/image-registry.js';
import { DeployError } from '../../src/errors.js';
import type {
  AlarmsPort,
  AlarmState,
  ImageRegistryPort,
  ObjectHead,
  ObjectStorePort,
  SecretRead,
  SecretsPort,
} from '../../src/model/ports.js';
import { Secret } from '../../src/model/secret.js';

/** What a fake of the secrets port holds; `denied` are `ssm:NAME` and `secretsmanager:NAME`. */
export interface SecretsSeed {
  readonly parameters?: Readonly<Record<string, string>>;
  readonly secrets?: Readonly<Record<string, string | { readonly binary: string }>>;
  readonly denied?: readonly string[];
}

/** In memory; held to the contract of contract.ts. */
export function fakeSecrets({ parameters = {}, secrets = {}, denied = [] }: SecretsSeed): SecretsPort {
  const parameter = (name: string): SecretRead => {
    if (denied.includes(`ssm:${name}`)) return { unknown: `ssm:GetParameters is denied for parameter ${name}.` };
    const value = parameters[name];
    return value === undefined ? { unknown: `parameter ${name} does not exist.` } : { value: new Secret(value) };
  };
  return {
    getParameters: async (names) => new Map(names.map((name) => [name, parameter(name)])),
    async getSecret(id) {
      if (denied.includes(`secretsmanager:${id}`))
        return { unknown: `secretsmanager:GetSecretValue is denied for secret ${id}.` };
      const value = secrets[id];
      if (value === undefined) return { unknown: `secret ${id} does not exist.` };
      return typeof value === 'string' ? { value: new Secret(value) } : { unknown: `secret ${id} is binary.` };
    },
  };
}

/** In memory; held to the contract of contract.ts. `versioned` are buckets that exist, and whether they keep versions. */
export class FakeObjectStore implements ObjectStorePort {
  private readonly objects = new Map<string, ObjectHead[]>();
  private readonly contents = new Map<ObjectHead, Uint8Array>();

  constructor(private readonly versioned: Readonly<Record<string, boolean>>) {}

  async head(bucket: string, key: string, versionId?: string): Promise<ObjectHead | undefined> {
    const versions = this.objects.get(`${bucket}/${key}`) ?? [];
    return versionId === undefined ? versions.at(-1) : versions.find((one) => one.versionId === versionId);
  }

  async putFile(
    bucket: string,
    key: string,
    file: { path: string; bytes: number; sha256: string },
  ): Promise<ObjectHead> {
    const content = await readFile(file.path);
    if (createHash('sha256').update(content).digest('base64') !== file.sha256)
      throw new DeployError('AWS_REFUSED', 'the SHA-256 is another one.');
    return this.put(bucket, key, content, file.sha256);
  }

  async digest(bucket: string, key: string, { versionId, etag }: ObjectHead): Promise<string> {
    const head = await this.head(bucket, key, versionId);
    const content = head && this.contents.get(head);
    if (content === undefined || head?.etag !== etag) throw new DeployError('CODE_CHANGED', 'it is another object.');
    return createHash('sha256').update(content).digest('base64');
  }

  /** An object of somebody else's: without a SHA-256 unless one is given. */
  put(bucket: string, key: string, content: Uint8Array, sha256?: string): ObjectHead {
    const keeps = this.versioned[bucket];
    if (keeps === undefined) throw new DeployError('AWS_NOT_FOUND', `there is no bucket ${bucket}.`);
    const head: ObjectHead = {
      bytes: content.byteLength,
      etag: `"${createHash('md5').update(content).digest('hex')}"`,
      ...(sha256 === undefined ? {} : { sha256 }),
      ...(keeps ? { versionId: randomUUID() } : {}),
    };
    this.contents.set(head, content);
    const before = keeps ? (this.objects.get(`${bucket}/${key}`) ?? []) : [];
    this.objects.set(`${bucket}/${key}`, [...before, head]);
    return head;
  }
}

/** In memory; held to the contract of contract.ts. Digests by image may be moved to other tags at any time. */
export function fakeImageRegistry(digests: Map<string, string>): ImageRegistryPort {
  return {
    async resolveDigest(image) {
      const digest = parseImage(image).digest ?? digests.get(image);
      if (digest === undefined) throw new DeployError('AWS_NOT_FOUND', `there is no image ${image}.`);
      return digest;
    },
  };
}

const MINUTE = 60_000;

/** In memory; held to the contract of contract.ts. `alarms` may be set at any time. */
export class FakeAlarms implements AlarmsPort {
  private readonly seen: { readonly key: string; readonly at: number; readonly failed: boolean }[] = [];

  constructor(readonly alarms: Map<string, AlarmState> = new Map()) {}

  async describeAlarms(names: readonly string[]): Promise<ReadonlyMap<string, AlarmState>> {
    const found = names.flatMap((name) => {
      const alarm = this.alarms.get(name);
      return alarm === undefined ? [] : [[name, { state: alarm.state, reason: alarm.reason }] as const];
    });
    return new Map(found);
  }

  async countInvocations(name: string, alias: string, version: string, since: number, until: number) {
    const start = Math.floor(since / MINUTE) * MINUTE;
    const end = Math.max(Math.ceil(until / MINUTE) * MINUTE, start + MINUTE);
    const own = this.seen.filter(({ key, at }) => key === `${name}:${alias}:${version}` && at >= start && at < end);
    return { invocations: own.length, errors: own.filter(({ failed }) => failed).length };
  }

  /** A version answered behind an alias. */
  invoked(name: string, alias: string, version: string, at: number, failed: boolean): void {
    this.seen.push({ key: `${name}:${alias}:${version}`, at, failed });
  }
}
