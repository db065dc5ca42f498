import { describe, expect, it } from 'vitest';
import { readWritten, resolveTree } from '../../src/spec/read.js';

const IMAGE = 'code: { image: "123456789012.dkr.ecr.us-east-1.amazonaws.com/app:42" }';

/** Findings about the body of one function, which starts at line 4, as `severity CODE line:column path`. */
function found(body: string): string[] {
  const text = `version: 1\nfunctions:\n  a:\n${body.replaceAll(/^/gm, '    ')}\n`;
  const written = readWritten(new TextEncoder().encode(text), 'lambda.deploy.yaml');
  if (!('root' in written)) throw new Error(written.findings[0]?.message);
  const { findings } = resolveTree(written.root, { variables: { BUILD_NUMBER: '7' } });
  return [...written.findings, ...findings].map(
    ({ code, severity = 'error', position, path }) =>
      `${severity} ${code} ${position.line}:${position.column} ${path.slice(2).join('.')}`,
  );
}

describe('every rule beyond the schema says what it found, and where', () => {
  it.each<[reason: string, body: string, findings: string[]]>([
    ['an image with a handler', `${IMAGE}\nhandler: a.b`, ['error IMAGE_SETTING 5:14 handler']],
    ['an image with a runtime', `${IMAGE}\nruntime: nodejs22.x`, ['error IMAGE_SETTING 5:14 runtime']],
    [
      'more than 4 KB of variables in all',
      `environment:\n  AA: ${'x'.repeat(2100)}\n  BB: ${'y'.repeat(2100)}`,
      ['error ENVIRONMENT_TOO_LARGE 5:7 environment'],
    ],
    [
      'a variable that Lambda sets',
      'environment: { AWS_REGION: us-east-1 }',
      ['error RESERVED_VARIABLE 4:20 environment.AWS_REGION'],
    ],
    [
      'SnapStart without a runtime that has it',
      'runtime: nodejs22.x\nsnapStart: { applyOn: PublishedVersions }',
      ['error SNAPSTART_RUNTIME 5:27 snapStart.applyOn'],
    ],
    [
      'weights that do not ascend',
      'aliases: { live: { rollout: { steps: ["50%", "10%"] } } }',
      ['error ROLLOUT_STEPS 4:50 aliases.live.rollout.steps.1'],
    ],
    ['a runtime that AWS deprecated', 'runtime: python3.9', ['warning RUNTIME_DEPRECATED 4:14 runtime']],
    [
      'a build number in the description of a function',
      'description: build ${BUILD_NUMBER}',
      ['warning BUILD_IN_DESCRIPTION 4:18 description'],
    ],
    [
      'a build number in the description of an alias',
      'aliases: { live: { description: "${BUILD_NUMBER}" } }',
      ['warning BUILD_IN_DESCRIPTION 4:37 aliases.live.description'],
    ],
    [
      'a secret in clear text',
      'environment: { DB: "redis://:planted@cache" }',
      ['warning SECRET_IN_CLEAR_TEXT 4:24 environment.DB'],
    ],
  ])('%s', (_, body, findings) => expect(found(body)).toEqual(findings));

  it.each<[reason: string, body: string]>([
    ['an image alone', IMAGE],
    ['variables of 4 KB, names and values', `environment: { AA: ${'x'.repeat(3900)} }`],
    ['SnapStart where the runtime has it', 'runtime: java21\nsnapStart: { applyOn: PublishedVersions }'],
    ['shares that ascend', 'aliases: { live: { rollout: { steps: ["10%", "50%"] } } }'],
    ['a build number in the description of a version', 'versionDescription: build ${BUILD_NUMBER}'],
    ['a reference in place of a secret', 'environment: { DB_PASSWORD: "${ssm:/db/password}" }'],
  ])('nothing is said of %s', (_, body) => expect(found(body)).toEqual([]));
});
