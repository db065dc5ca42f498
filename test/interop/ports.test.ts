import { createHash } from 'node:crypto';
import {
  CloudWatchClient,
  PutMetricAlarmCommand,
  PutMetricDataCommand,
  SetAlarmStateCommand,
} from '@aws-sdk/client-cloudwatch';
import { CreateRepositoryCommand, ECRClient, PutImageCommand } from '@aws-sdk/client-ecr';
import {
  CreateBucketCommand,
  PutBucketVersioningCommand,
  PutObjectCommand,
  S3Client,
  type S3ClientConfig,
} from '@aws-sdk/client-s3';
import { CreateSecretCommand, SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { afterAll, beforeAll, beforeEach, describe } from 'vitest';
import { createAlarms } from '../../src/aws/alarms.js';
import { createDocuments } from '../../src/aws/documents.js';
import { createImageRegistry } from '../../src/aws/image-registry.js';
import { createObjectStore } from '../../src/aws/object-store.js';
import { createSecrets } from '../../src/aws/secrets.js';
import { s3Store } from '../../src/record/s3.js';
import { alarmsContract, imageRegistryContract, objectStoreContract, secretsContract } from '../aws/contract.js';
import { documentsContract } from '../aws/documents-contract.js';
import { contract } from '../record/contract.js';
import { lostAnswersContract, writersContract } from '../record/writers.js';
import { type Moto, startMoto, works } from './support.js';
import '../e2e/support.js';

/**
 * The contract suites of the ports on moto, a second opinion on S3, SSM, Secrets Manager, ECR and CloudWatch. Where moto is not as AWS is:
 * - it has no policies unless they are built first, so nothing is denied;
 * - PutObject takes a SHA-256 without checking it;
 * - HeadObject gives no ChecksumType, so that no checksum of its counts;
 * - an image's digest is made of its layers alone, so pushes differ in those;
 * - it has no PutCompositeAlarm.
 */
const hasMoto = await works('the ports against moto', 'moto_server', '--help');

describe.skipIf(!hasMoto)('ports on moto', () => {
  let moto: Moto;
  beforeAll(async () => void (moto = await startMoto()));
  afterAll(() => moto?.stop());
  beforeEach(() => moto.reset());

  const options = (region = 'us-east-1') => ({
    endpoint: moto.url,
    region,
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  });

  secretsContract(
    'moto',
    async ({ parameters = {}, secrets = {} }) => {
      const ssm = new SSMClient(options());
      for (const [Name, Value] of Object.entries(parameters))
        await ssm.send(new PutParameterCommand({ Name, Value, Type: 'SecureString' }));
      const manager = new SecretsManagerClient(options());
      for (const [Name, value] of Object.entries(secrets)) {
        const content =
          typeof value === 'string' ? { SecretString: value } : { SecretBinary: Buffer.from(value.binary, 'base64') };
        await manager.send(new CreateSecretCommand({ Name, ...content }));
      }
      return createSecrets(options());
    },
    'moto denies nothing',
  );

  objectStoreContract(
    'moto',
    async () => {
      const config: S3ClientConfig = {
        ...options(),
        forcePathStyle: true,
        requestChecksumCalculation: 'WHEN_REQUIRED',
      };
      const s3 = new S3Client(config);
      await s3.send(new CreateBucketCommand({ Bucket: 'plain' }));
      await s3.send(new CreateBucketCommand({ Bucket: 'versioned' }));
      const VersioningConfiguration = { Status: 'Enabled' } as const;
      await s3.send(new PutBucketVersioningCommand({ Bucket: 'versioned', VersioningConfiguration }));
      return {
        port: createObjectStore(options()),
        put: (Bucket, Key, Body) => s3.send(new PutObjectCommand({ Bucket, Key, Body })),
      };
    },
    { checksUnchecked: 'moto takes any SHA-256', noChecksumType: 'moto names no ChecksumType' },
  );

  const clientsOf = async () => {
    const Bucket = 'records';
    await new S3Client({ ...options(), forcePathStyle: true }).send(new CreateBucketCommand({ Bucket }));
    return () => createDocuments(options(), Bucket);
  };
  const bucketOf = async () => (await clientsOf())();
  writersContract('moto', clientsOf);
  lostAnswersContract('moto', clientsOf);
  documentsContract('moto', bucketOf);

  describe('the contract of record stores', () => {
    contract(async () => {
      const documents = await bucketOf();
      const account = () => Promise.resolve('123456789012');
      const place = { bucket: 'records', prefix: 'p', region: 'us-east-1', account };
      const texts = async () =>
        Promise.all((await documents.list('')).map(async (key) => (await documents.get(key))?.text ?? ''));
      return {
        store: s3Store(documents, place, Date.now),
        live: () => ({ name: 'orders', arn: 'arn:aws:lambda:us-east-1:123456789012:function:orders', tags: {} }),
        written: async () => (await texts()).join('\n'),
      };
    });
  });

  imageRegistryContract('moto', async () => {
    const clients = new Map<string, ECRClient>();
    const made = new Set<string>();
    return {
      port: createImageRegistry(options()),
      async push(region, repositoryName, imageTag, content) {
        const ecr = clients.get(region) ?? new ECRClient(options(region));
        clients.set(region, ecr);
        if (!made.has(`${region}/${repositoryName}`)) await ecr.send(new CreateRepositoryCommand({ repositoryName }));
        made.add(`${region}/${repositoryName}`);
        const imageManifest = JSON.stringify({
          schemaVersion: 2,
          mediaType: 'application/vnd.docker.distribution.manifest.v2+json',
          config: { mediaType: 'application/json', size: content.length, digest: `sha256:${hexOf(content)}` },
          layers: [{ mediaType: 'application/json', size: content.length, digest: `sha256:${hexOf(content)}` }],
        });
        const { image } = await ecr.send(new PutImageCommand({ repositoryName, imageTag, imageManifest }));
        return image?.imageId?.imageDigest ?? '';
      },
    };
  });

  alarmsContract(
    'moto',
    async (alarms) => {
      const cloudwatch = new CloudWatchClient(options());
      const setState = (AlarmName: string, StateValue: 'OK' | 'ALARM' | 'INSUFFICIENT_DATA', StateReason: string) =>
        cloudwatch.send(new SetAlarmStateCommand({ AlarmName, StateValue, StateReason }));
      const metric = { Namespace: 'AWS/Lambda', MetricName: 'Errors', Period: 60, Statistic: 'Sum' } as const;
      const rule = { EvaluationPeriods: 1, ComparisonOperator: 'GreaterThanThreshold', Threshold: 1 } as const;
      for (const [AlarmName, { state, reason }] of Object.entries(alarms)) {
        await cloudwatch.send(new PutMetricAlarmCommand({ AlarmName, ...metric, ...rule }));
        await setState(AlarmName, state, reason);
      }
      return {
        port: createAlarms(options()),
        setState,
        invoked(name, alias, version, at, failed) {
          const Dimensions = [
            { Name: 'FunctionName', Value: name },
            { Name: 'Resource', Value: `${name}:${alias}` },
            { Name: 'ExecutedVersion', Value: version },
          ];
          const one = { Dimensions, Timestamp: new Date(at), Unit: 'Count' } as const;
          const MetricData = [
            { ...one, MetricName: 'Invocations', Value: 1 },
            { ...one, MetricName: 'Errors', Value: failed ? 1 : 0 },
          ];
          return cloudwatch.send(new PutMetricDataCommand({ Namespace: 'AWS/Lambda', MetricData }));
        },
      };
    },
    'moto has no PutCompositeAlarm',
  );
});

function hexOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}
