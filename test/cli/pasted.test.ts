import { describe, expect, it } from 'vitest';
import { pastedOptions } from '../../src/cli/pasted.js';

const REGION = 'eu-west-1';
const scope = (more: object = {}) => ({ file: 'lambda.deploy.yaml', narrowed: [], ...more });

describe('a command that is printed to be pasted', () => {
  it.each([
    ['needs nothing where everything is found by itself', {}, scope(), ''],
    ['names the file', {}, scope({ file: 'deploy/orders.yaml' }), ' --config deploy/orders.yaml'],
    ['names the environment', {}, scope({ environment: 'prod' }), ' --environment prod'],
    ['names the region that was chosen', { region: REGION }, undefined, ' --region eu-west-1'],
    ['names the region that a plan file was made for', {}, scope({ narrowed: [REGION] }), ' --region eu-west-1'],
    [
      'without a scope: what was given',
      { config: 'a.yaml', environment: 'dev' },
      undefined,
      ' --config a.yaml --environment dev',
    ],
    ['is safe in a shell', {}, scope({ file: "it's $(here)/-x.yaml" }), ` --config 'it'\\''s $(here)/-x.yaml'`],
  ])('%s', (_why, options, about, own) => {
    expect(pastedOptions(options, about, REGION)).toEqual({ own, aws: ' --region eu-west-1' });
  });
});
