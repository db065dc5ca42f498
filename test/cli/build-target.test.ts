import { expect, it } from 'vitest';
import { previousInBuild } from '../../src/cli/build-target.js';
import type { BuildAgentPort } from '../../src/model/ports.js';

const ARN = 'arn:aws:lambda:us-east-1:123456789012:function:orders';
const KEYS = { result: 'success', current_version: '7', current_arn: `${ARN}:7`, previous_version: '6' };
const LIVE = { name: 'orders', arn: ARN, aliases: [{ name: 'live' }] };

function previous(keys: Readonly<Record<string, string | undefined>>, live: object = {}) {
  const all: Readonly<Record<string, string | undefined>> = { ...KEYS, ...keys };
  const agent = {
    getMetaData: (key: string) => Promise.resolve(all[key.replace('deployment:aws_lambda:orders:', '')]),
  } as Partial<BuildAgentPort> as BuildAgentPort;
  return previousInBuild({ agent }, { ...LIVE, ...live } as never, '7');
}

it('a rollback without records goes where the keys of this very function say', async () => {
  expect(await previous({})).toBe('6');
});

it.each([
  ['of another region', { current_arn: `${ARN.replace('us-east-1', 'eu-west-1')}:7` }],
  ['of another account', { current_arn: `${ARN.replace('123456789012', '999999999999')}:7` }],
  ['without an ARN', { current_arn: undefined }],
  ['of another version', { current_version: '8', current_arn: `${ARN}:8` }],
  ['of a rollback', { result: 'rolled_back' }],
  ['of a first deployment', { previous_version: undefined }],
  ['that are broken', { previous_version: '$LATEST' }],
])('keys %s say nothing', async (_, keys) => expect(await previous(keys)).toBeUndefined());

it('keys say nothing of a function of several aliases', async () => {
  expect(await previous({}, { aliases: [{ name: 'live' }, { name: 'canary' }] })).toBeUndefined();
});
