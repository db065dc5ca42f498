import { isJsonObject, type JsonObject } from '../model/json.js';
import { type Answer, type Call, json } from './call.js';
import { given, optionalString, requiredString } from './constraints.js';
import { gatewayError } from './errors.js';
import { digestOf, repositoryOf } from './stores.js';

const MEDIA_TYPE = 'application/vnd.oci.image.manifest.v1+json';

/** ECR BatchGetImage: the digest of each image that is asked for by tag or digest. Manifests are empty: nobody pulls here. */
export function batchGetImage(call: Call): Answer {
  const { account, stores } = call.state;
  const repositoryName = requiredString(call.body, 'repositoryName');
  const registryId = optionalString(call.body, 'registryId') ?? account;
  const repository = `${registryId}.dkr.ecr.${call.region}.amazonaws.com/${repositoryName}`;
  if (![...stores.images.keys()].some((image) => repositoryOf(image) === repository))
    throw gatewayError(
      400,
      'RepositoryNotFoundException',
      `The repository with name '${repositoryName}' does not exist in the registry with id '${registryId}'`,
    );
  const asked = given(call.body, 'imageIds');
  const ids: readonly JsonObject[] = Array.isArray(asked) ? asked.filter(isJsonObject) : [];
  const images: JsonObject[] = [];
  const failures: JsonObject[] = [];
  for (const imageId of ids) {
    const tag = optionalString(imageId, 'imageTag');
    const suffix = tag === undefined ? `@${requiredString(imageId, 'imageDigest')}` : `:${tag}`;
    const imageDigest = digestOf(stores, `${repository}${suffix}`);
    if (imageDigest === undefined)
      failures.push({ imageId, failureCode: 'ImageNotFound', failureReason: 'Requested image not found' });
    else
      images.push({
        registryId,
        repositoryName,
        imageId: { ...imageId, imageDigest },
        imageManifest: '{}',
        imageManifestMediaType: MEDIA_TYPE,
      });
  }
  return json(200, { images, failures });
}
