import { createHash } from 'node:crypto';
import { afterEach, beforeEach, onTestFinished, vi } from 'vitest';
import { createAlarms } from '../../src/aws/alarms.js';
import { createImageRegistry } from '../../src/aws/image-registry.js';
import { createObjectStore } from '../../src/aws/object-store.js';
import { createSecrets } from '../../src/aws/secrets.js';
import { countInvocation } from '../../src/sandbox/metrics.js';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.js';
import { putVersion } from '../../src/sandbox/stores.js';
import { alarmsContract, imageRegistryContract, objectStoreContract, secretsContract } from './contract.js';
import { FakeAlarms, fakeImageRegistry, FakeObjectStore, fakeSecrets } from './fakes.js';

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'sandbox');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
});

afterEach(() => vi.unstubAllEnvs());

async function start(options: SandboxOptions): Promise<Sandbox> {
  const sandbox = await startSandbox(options);
  onTestFinished(() => sandbox.close());
  return sandbox;
}

function optionsFor({ url }: Sandbox) {
  return { endpoint: url, region: 'us-east-1' };
}

function digestOf(content: string): string {
  return `sha256:${createHash('sha256').update(content).digest('hex')}`;
}

const imageName = (region: string, repository: string, tag: string): string =>
  `123456789012.dkr.ecr.${region}.amazonaws.com/${repository}:${tag}`;

secretsContract('the fake', async (seed) => fakeSecrets(seed));
secretsContract('the SDK on the sandbox', async (seed) => createSecrets(optionsFor(await start({ seed }))));

objectStoreContract('the fake', async () => {
  const port = new FakeObjectStore({ plain: false, versioned: true });
  return { port, put: async (bucket, key, content) => port.put(bucket, key, content) };
});
objectStoreContract('the SDK on the sandbox', async () => {
  const sandbox = await start({ seed: { buckets: { plain: {}, versioned: { versioning: true } } } });
  return {
    port: createObjectStore(optionsFor(sandbox)),
    async put(name, key, body) {
      const bucket = sandbox.state.stores.buckets.get(name);
      if (bucket !== undefined) putVersion(bucket, key, { body, now: 0 });
    },
  };
});

imageRegistryContract('the fake', async () => {
  const digests = new Map<string, string>();
  return {
    port: fakeImageRegistry(digests),
    async push(region, repository, tag, content) {
      digests.set(imageName(region, repository, tag), digestOf(content));
      return digestOf(content);
    },
  };
});
imageRegistryContract('the SDK on the sandbox', async () => {
  const sandbox = await start({});
  return {
    port: createImageRegistry(optionsFor(sandbox)),
    async push(region, repository, tag, content) {
      sandbox.state.stores.images.set(imageName(region, repository, tag), digestOf(content));
      return digestOf(content);
    },
  };
});

alarmsContract('the fake', async (alarms) => {
  const port = new FakeAlarms(new Map(Object.entries(alarms)));
  return {
    port,
    setState: async (name, state, reason) => port.alarms.set(name, { state, reason }),
    invoked: async (...seen) => port.invoked(...seen),
  };
});
alarmsContract('the SDK on the sandbox', async (alarms) => {
  const sandbox = await start({ seed: { alarms } });
  const { stores } = sandbox.state;
  return {
    port: createAlarms(optionsFor(sandbox)),
    setState: async (name, state, reason) => stores.alarms.set(name, { type: 'metric', state, reason }),
    async invoked(name, alias, version, at, failed) {
      const fn = { name, region: 'us-east-1', aliases: new Set([alias]) };
      countInvocation(stores.metrics, fn, { qualifier: alias, version, at, failed });
    },
  };
});
