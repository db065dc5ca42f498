import { DeployError } from '../errors.js';
import { clientConfig, READ_ATTEMPTS, READ_TIMEOUT_MS, send, type AwsOptions } from './client.js';

/**
 * The account of the credentials, twelve digits. Needed before a create only: an existing function's ARN names its account.
 * Loads another SDK client.
 *
 * @throws AWS_EXPIRED_CREDENTIALS, AWS_UNREACHABLE, AWS_AMBIGUOUS, AWS_THROTTLED, AWS_UNREADABLE, REGION_MISSING
 * @see https://docs.aws.amazon.com/STS/latest/APIReference/API_GetCallerIdentity.html
 */
export async function readAccount(options: AwsOptions): Promise<string> {
  const sdk = await import('@aws-sdk/client-sts');
  const call = {
    operation: 'GetCallerIdentity',
    subject: 'the credentials',
    action: 'sts:GetCallerIdentity',
    timeoutMs: READ_TIMEOUT_MS,
  };
  const client = new sdk.STSClient(clientConfig(options, READ_ATTEMPTS));
  const ask = new sdk.GetCallerIdentityCommand({});
  const answer = await send(call, READ_ATTEMPTS, (limits) => client.send(ask, limits), options.stop);
  if (answer.Account === undefined)
    throw new DeployError('AWS_UNREADABLE', 'GetCallerIdentity named no account.', { source: 'aws' });
  return answer.Account;
}
