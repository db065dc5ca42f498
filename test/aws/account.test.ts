import { afterEach, beforeEach, expect, it, vi } from 'vitest';
import { readAccount } from '../../src/aws/account.js';
import { CannedServer, type Canned } from './server.js';

const CALLER =
  '<GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult>' +
  '<Arn>arn:aws:iam::123456789012:user/a</Arn><UserId>A</UserId><Account>123456789012</Account>' +
  '</GetCallerIdentityResult><ResponseMetadata><RequestId>r</RequestId></ResponseMetadata></GetCallerIdentityResponse>';
const EXPIRED =
  '<ErrorResponse><Error><Type>Sender</Type><Code>ExpiredToken</Code><Message>it is expired</Message></Error>' +
  '<RequestId>r</RequestId></ErrorResponse>';

let server: CannedServer | undefined;

beforeEach(() => {
  vi.stubEnv('AWS_ACCESS_KEY_ID', 'AKIDEXAMPLE');
  vi.stubEnv('AWS_SECRET_ACCESS_KEY', 'test');
  vi.stubEnv('AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED', 'true');
});

afterEach(async () => {
  vi.unstubAllEnvs();
  await server?.stop();
});

async function account(canned: Canned): Promise<string> {
  server = new CannedServer(() => ({ type: 'text/xml', ...canned }));
  return readAccount({ region: 'eu-west-1', endpoint: await server.start() });
}

it('is the account of the credentials', async () => {
  expect(await account({ body: CALLER })).toBe('123456789012');
});

it('says so when the credentials are expired', async () => {
  await expect(account({ status: 403, body: EXPIRED })).rejects.toMatchObject({
    code: 'AWS_EXPIRED_CREDENTIALS',
    detail: expect.stringContaining('it is expired') as string,
  });
});
