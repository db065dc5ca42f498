import { win32 } from 'node:path';
import { describe, expect, it } from 'vitest';
import { artifactOf } from '../../src/cli/build-artifact.js';
import { scopeName, scopeOf, scopeOfPlan } from '../../src/cli/build-scope.js';

describe('the context of an annotation', () => {
  it.each([
    [{ file: 'lambda.deploy.yaml', narrowed: [] }, 'lambda-deploy:plan:lambda.deploy.yaml'],
    [
      { file: 'a/lambda.deploy.yaml', environment: 'production', narrowed: [] },
      'lambda-deploy:plan:a/lambda.deploy.yaml:production',
    ],
    [{ file: 'a.yaml', narrowed: ['orders', 'eu-west-1'] }, 'lambda-deploy:plan:a.yaml::orders:eu-west-1'],
    [{ file: 'a.yaml', narrowed: [], region: 'eu-west-1' }, 'lambda-deploy:plan:a.yaml::eu-west-1'],
  ])('%j', (scope, name) => expect(scopeName('plan', scope)).toBe(name));

  it('of a long name has a hundred characters, and its own hash', () => {
    const scopes = ['one', 'two'].map((end) => ({ file: `${'ü/'.repeat(80)}${end}`, narrowed: [] }));
    const names = scopes.map((scope) => scopeName('result', scope));
    names.forEach((name) => expect(name).toMatch(/^lambda-deploy:result:(ü\/)+ü?:[0-9a-f]{16}$/));
    names.forEach((name) => expect([...name]).toHaveLength(100));
    expect(new Set(names).size).toBe(2);
  });
});

describe('the region of the job’s environment', () => {
  const homelessFile = { file: '/job/a.yaml', functions: [{}] };
  const homeless = [{ region: 'eu-west-1' }, {}];
  it.each([
    [
      'is named where it alone says where a function is',
      { AWS_REGION: 'us-east-1' },
      { functions: homeless },
      'us-east-1',
    ],
    ['is the other variable’s where the first is empty', { AWS_REGION: '', AWS_DEFAULT_REGION: 'x' }, {}, 'x'],
    ['is of no account where the file has one', { AWS_REGION: 'us-east-1' }, { region: 'eu-west-1' }, undefined],
    ['or where every function has', { AWS_REGION: 'us-east-1' }, { functions: [{ region: 'x' }] }, undefined],
    ['or where the environment has none', {}, {}, undefined],
    ['is not known before the file is', { AWS_REGION: 'us-east-1' }, { functions: undefined }, undefined],
  ])('%s', (_, env, spec, region) => {
    const context = { host: { env, cwd: '/job' }, options: { function: ['a'], alias: [] } };
    const about: { readonly file: string; readonly region?: string } = { ...homelessFile, ...spec };
    const scope = scopeOf(context as never, about as never);
    expect(scope).toEqual({ file: 'a.yaml', narrowed: ['a'], ...(region === undefined ? {} : { region }) });
    const inputs = { file: 'a.yaml', functions: ['a'], aliases: [], region: about.region };
    expect(scopeOfPlan({ ...inputs, environmentsRegion: region } as never)).toEqual(scope);
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

  it.each([
    ['out\\plan.zip', { from: 'out/plan.zip', path: 'out/plan.zip', directory: 'C:\\job' }],
    ['..\\plan.zip', { from: 'C:/plan.zip', path: 'plan.zip', directory: 'C:\\' }],
    ['D:\\out\\plan.zip', { from: 'D:/out/plan.zip', path: 'out/plan.zip', directory: 'D:\\' }],
  ])('on Windows: %s', (file, place) => expect(artifactOf({ cwd: 'C:\\job' }, file, win32)).toEqual(place));
});
