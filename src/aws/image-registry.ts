import type { ECRClient } from '@aws-sdk/client-ecr';
import { DeployError } from '../errors.js';
import type { ImageRegistryPort } from '../model/ports.js';
import { clientConfig, READ_ATTEMPTS, READ_TIMEOUT_MS, send, type AwsOptions } from './client.js';

/** An image in a private ECR registry, taken apart. */
export interface ImageName {
  /** Twelve digits: the account that the registry belongs to. */
  readonly account: string;
  readonly region: string;
  readonly repository: string;
  readonly tag?: string;
  /** `sha256:` and 64 hex digits. */
  readonly digest?: string;
}

/**
 * Lambda runs images of private registries only.
 * @see https://docs.aws.amazon.com/AmazonECR/latest/userguide/Registries.html
 * @see https://docs.aws.amazon.com/lambda/latest/api/API_FunctionCode.html
 */
const IMAGE =
  /^(?<account>\d{12})\.dkr[.-]ecr(?:-fips)?\.(?<region>[a-z0-9-]+)\.(?:amazonaws\.com(?:\.cn)?|on\.(?:aws|amazonwebservices\.com\.cn))\/(?<repository>[a-z0-9]+(?:[._/-]+[a-z0-9]+)*)(?::(?<tag>\w[\w.-]{0,127}))?(?:@(?<digest>sha256:[0-9a-f]{64}))?$/;

/** Every kind of manifest that a tag may stand for: without them ECR may answer with a converted one, of another digest. */
const MANIFESTS = [
  'application/vnd.oci.image.manifest.v1+json',
  'application/vnd.oci.image.index.v1+json',
  'application/vnd.docker.distribution.manifest.v2+json',
  'application/vnd.docker.distribution.manifest.list.v2+json',
];

/**
 * Takes an image's name apart.
 *
 * @throws SCHEMA for what is no image of a private ECR registry, or has neither tag nor digest
 */
export function parseImage(image: string): ImageName {
  const parts = IMAGE.exec(image)?.groups;
  const { account, region, repository, tag, digest } = parts ?? {};
  if (account === undefined || region === undefined || repository === undefined) throw notAnImage(image, 'no image');
  if (digest !== undefined) return { account, region, repository, digest };
  if (tag === undefined) throw notAnImage(image, 'an image without a tag or digest');
  return { account, region, repository, tag };
}

function notAnImage(image: string, what: string): DeployError {
  return new DeployError(
    'SCHEMA',
    `${JSON.stringify(image)} is ${what} of a private ECR registry, and Lambda runs no other.`,
    {
      subject: image,
      fix: 'write ACCOUNT.dkr.ecr.REGION.amazonaws.com/REPOSITORY:TAG, or …@sha256:DIGEST.',
    },
  );
}

/**
 * ECR through the SDK, in the region that the image's name says, whatever region the session has. Loaded by the first tag: a
 * digest needs no call.
 */
export function createImageRegistry(options: AwsOptions): ImageRegistryPort {
  const clients = new Map<string, ECRClient>();
  return {
    async resolveDigest(image) {
      const name = parseImage(image);
      if (name.digest !== undefined) return name.digest;
      const sdk = await import('@aws-sdk/client-ecr');
      const client =
        clients.get(name.region) ?? new sdk.ECRClient(clientConfig({ ...options, region: name.region }, READ_ATTEMPTS));
      clients.set(name.region, client);
      const ask = new sdk.BatchGetImageCommand({
        registryId: name.account,
        repositoryName: name.repository,
        imageIds: [{ imageTag: name.tag }],
        acceptedMediaTypes: MANIFESTS,
      });
      const answer = await send(
        {
          operation: 'BatchGetImage',
          subject: `image ${image}`,
          action: 'ecr:BatchGetImage',
          timeoutMs: READ_TIMEOUT_MS,
        },
        READ_ATTEMPTS,
        (limits) => client.send(ask, limits),
        options.stop,
      );
      const digest = answer.images?.[0]?.imageId?.imageDigest;
      if (digest !== undefined) return digest;
      const [failure] = answer.failures ?? [];
      const reason = failure?.failureReason ?? 'nothing';
      throw new DeployError('AWS_NOT_FOUND', `image ${image}: ECR has no such image. AWS said: ${reason}`, {
        source: 'aws',
        subject: image,
        fix: 'push the image before the deployment, or correct its tag.',
      });
    },
  };
}
