import { READ_TIMEOUT_MS, send, type Clients } from './client.js';

/** What the SDK notes on credentials that it took from AWS_ACCESS_KEY_ID and its like. @see https://github.com/aws/aws-sdk-js-v3/blob/main/packages/types/src/feature-ids.ts */
const FROM_VARIABLES = 'CREDENTIALS_ENV_VARS';

/**
 * When the credentials stop working for good, in milliseconds since the epoch: `undefined` when nobody says (variables without
 * AWS_CREDENTIAL_EXPIRATION), or when the SDK gets later ones by itself (a role, a container, SSO, a credential process).
 *
 * @throws AWS_EXPIRED_CREDENTIALS
 */
export async function credentialsEnd({ reads }: Pick<Clients, 'reads'>): Promise<number | undefined> {
  const call = { operation: 'reading', subject: 'the credentials', timeoutMs: READ_TIMEOUT_MS };
  const { expiration, ...rest } = await send(call, 1, () => reads.config.credentials());
  const source = '$source' in rest ? rest.$source : undefined;
  const isFixed = typeof source === 'object' && source !== null && FROM_VARIABLES in source;
  const end = expiration?.getTime() ?? NaN;
  return isFixed && !Number.isNaN(end) ? end : undefined;
}
