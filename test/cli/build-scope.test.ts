import { describe, expect, it } from 'vitest';
import { artifactOf } from '../../src/cli/build-artifact.js';
import { scopeName } from '../../src/cli/build-scope.js';

describe('the context of an annotation', () => {
  it.each([
    [{ file: 'lambda.deploy.yaml', narrowed: [] }, 'lambda-deploy:plan:lambda.deploy.yaml'],
    [
      { file: 'a/lambda.deploy.yaml', environment: 'production', narrowed: [] },
      'lambda-deploy:plan:a/lambda.deploy.yaml:production',
    ],
    [{ file: 'a.yaml', narrowed: ['orders', 'eu-west-1'] }, 'lambda-deploy:plan:a.yaml::orders:eu-west-1'],
  ])('%j', (scope, name) => expect(scopeName('plan', scope)).toBe(name));

  it('of a long name has a hundred characters, and its own hash', () => {
    const scopes = ['one', 'two'].map((end) => ({ file: `${'ü/'.repeat(80)}${end}`, narrowed: [] }));
    const names = scopes.map((scope) => scopeName('result', scope));
    names.forEach((name) => expect(name).toMatch(/^lambda-deploy:result:(ü\/)+ü?:[0-9a-f]{16}$/));
    names.forEach((name) => expect([...name]).toHaveLength(100));
    expect(new Set(names).size).toBe(2);
  });
});

describe('the artifact that a file is', () => {
  it.each([
    ['plan.zip', { from: 'plan.zip', path: 'plan.zip', directory: '/job' }],
    ['./out/../plan.zip', { from: 'plan.zip', path: 'plan.zip', directory: '/job' }],
    ['/job/out/plan.zip', { from: 'out/plan.zip', path: 'out/plan.zip', directory: '/job' }],
    ['/tmp/plan.zip', { from: '/tmp/plan.zip', path: 'tmp/plan.zip', directory: '/' }],
    ['../plan.zip', { from: '/plan.zip', path: 'plan.zip', directory: '/' }],
    ['..plan.zip', { from: '..plan.zip', path: '..plan.zip', directory: '/job' }],
  ])('%s', (file, place) => expect(artifactOf({ cwd: '/job' }, file)).toEqual(place));
});
