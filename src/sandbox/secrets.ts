import type { JsonObject } from '../model/json.js';
import { type Answer, type Call, json } from './call.js';
import { given, requiredString } from './constraints.js';
import { gatewayError } from './errors.js';
import { checkAllowed } from './stores.js';

/** Names in one call. @see https://docs.aws.amazon.com/systems-manager/latest/APIReference/API_GetParameters.html */
const MAX_NAMES = 10;

/** SSM GetParameters. One name that is denied denies the whole call; names that do not exist are listed. */
export function getParameters(call: Call): Answer {
  const { account, stores } = call.state;
  const asked = given(call.body, 'Names');
  const names = Array.isArray(asked) ? asked.map(String) : [];
  if (names.length === 0 || names.length > MAX_NAMES || new Set(names).size < names.length)
    throw gatewayError(
      400,
      'ValidationException',
      `1 validation error detected: Value at 'names' failed to satisfy constraint: 1 to ${MAX_NAMES} different names`,
    );
  for (const name of names) checkAllowed(stores, account, 'ssm:GetParameters', name);
  const found = names.flatMap((name): JsonObject[] => {
    const value = stores.parameters.get(name);
    const arn = `arn:aws:ssm:${call.region}:${account}:parameter/${name.replace(/^\//, '')}`;
    if (value === undefined) return [];
    return [{ Name: name, Type: 'SecureString', Value: value, Version: 1, ARN: arn, DataType: 'text' }];
  });
  return json(200, { Parameters: found, InvalidParameters: names.filter((name) => !stores.parameters.has(name)) });
}

/** Secrets Manager GetSecretValue, by name or ARN; there is one version of each. */
export function getSecretValue(call: Call): Answer {
  const { account, stores } = call.state;
  const id = requiredString(call.body, 'SecretId');
  // AWS puts six random characters at the end of a secret's ARN.
  const name = /^arn:[^:]+:secretsmanager:[^:]+:\d{12}:secret:(.+?)(?:-\w{6})?$/.exec(id)?.[1] ?? id;
  checkAllowed(stores, account, 'secretsmanager:GetSecretValue', name);
  const secret = stores.secrets.get(name);
  if (secret === undefined)
    throw gatewayError(400, 'ResourceNotFoundException', "Secrets Manager can't find the specified secret.");
  return json(200, {
    ARN: `arn:aws:secretsmanager:${call.region}:${account}:secret:${name}-sandbx`,
    Name: name,
    VersionId: '00000000-0000-0000-0000-000000000001',
    VersionStages: ['AWSCURRENT'],
    ...(typeof secret === 'string' ? { SecretString: secret } : { SecretBinary: secret.binary }),
  });
}
