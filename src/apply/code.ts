import { createHash } from 'node:crypto';
import { DeployError } from '../errors.js';
import type { LiveVersion, ObjectPin } from '../model/function.js';
import type { CreateFunctionStep, PutObjectStep, UpdateFunctionCodeStep } from '../model/plan.js';
import type { CodeChange, CodePayload } from '../model/ports.js';
import type { ApplyJob, ApplyPorts } from './job.js';

type SendingStep = Pick<CreateFunctionStep | UpdateFunctionCodeStep, 'codeSha256' | 'from' | 'sourceKmsKeyArn'>;

/**
 * Looks, before anything is written, whether S3 still has what was planned, where the plan could pin no version.
 *
 * @throws CODE_CHANGED; AWS_*
 */
export async function refuseChangedObjects({ plan, desired }: ApplyJob, { objects }: ApplyPorts): Promise<void> {
  for (const step of plan.operations) {
    if (!('from' in step) || !('codeSha256' in step) || step.from?.etag === undefined) continue;
    const { bucket, key, etag } = step.from;
    if ((await objects.head(bucket, key))?.etag !== etag) throw codeChanged(desired.name, `s3://${bucket}/${key}`);
  }
}

/**
 * What a step sends. Code that is here is looked at before it is sent: it must have the digest that was planned.
 *
 * @throws CODE_CHANGED, then nothing was sent; AWS_*
 */
export async function codeToSend(step: SendingStep, job: ApplyJob): Promise<CodeChange> {
  const code = step.from === undefined ? await job.code() : payloadOf(step.from);
  const isPlanned =
    'zip' in code
      ? createHash('sha256').update(code.zip).digest('base64') === step.codeSha256
      : 's3Key' in code || code.imageUri.endsWith(`@sha256:${step.codeSha256}`);
  if (!isPlanned) throw codeChanged(job.desired.name);
  return step.sourceKmsKeyArn === undefined ? { code } : { code, sourceKmsKeyArn: step.sourceKmsKeyArn };
}

function payloadOf({ bucket, key, versionId }: ObjectPin): CodePayload {
  return { s3Bucket: bucket, s3Key: key, ...(versionId === undefined ? {} : { s3ObjectVersion: versionId }) };
}

/**
 * Only the answer tells what Lambda took out of S3: it must be what was planned before anything is published.
 *
 * @throws CODE_CHANGED
 */
export function refuseOtherCode({ codeSha256 }: LiveVersion, step: SendingStep, name: string): void {
  if (step.from === undefined || codeSha256 === step.codeSha256) return;
  const source = `s3://${step.from.bucket}/${step.from.key}`;
  throw codeChanged(name, source, ' It was replaced while it was deployed: $LATEST has what is there now.');
}

/**
 * Uploads the archive. Sent twice it is the same object, so that the store may repeat it.
 *
 * @throws CODE_CHANGED, AWS_*
 */
export async function putArchive(step: PutObjectStep, job: ApplyJob, { objects }: ApplyPorts): Promise<void> {
  if (job.archive === undefined) throw new Error('an upload needs an archive');
  const file = await job.archive();
  if (file.sha256 !== step.codeSha256) throw codeChanged(job.desired.name);
  await objects.putFile(step.bucket, step.key, file);
}

function codeChanged(name: string, source?: string, more = ''): DeployError {
  const what = source === undefined ? `the code of ${name}` : `${source}, the code of ${name},`;
  return new DeployError('CODE_CHANGED', `${what} is not what was planned.${more}`, {
    subject: name,
    fix:
      source === undefined
        ? 'run plan again.'
        : 'run plan again; in a bucket with versioning the planned version would have been deployed.',
  });
}
