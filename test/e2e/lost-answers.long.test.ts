import { describe, expect, it } from 'vitest';
import type { Fault, Intercept, SandboxCall } from '../../src/sandbox/server.js';
import { deployed, fileOf, hello, okHandler, stage, type Stage } from './support.js';

/** What goes wrong once, at the first call of an operation after the plan. */
const FAULTS: readonly (readonly [string, Fault])[] = [
  ['the answer is lost after the effect', { kind: 'reset-after' }],
  ['the connection dies before the effect', { kind: 'reset-before' }],
  ['AWS answers 500', { kind: 'error', status: 500, code: 'ServiceException', message: 'An error occurred.' }],
  [
    'AWS throttles',
    { kind: 'error', status: 429, code: 'TooManyRequestsException', message: 'Rate Exceeded.', retryAfterSeconds: 2 },
  ],
];

const CONFLICT: Fault = {
  kind: 'error',
  status: 409,
  code: 'ResourceConflictException',
  message:
    'The operation cannot be performed at this time. An update is in progress for resource: arn:aws:lambda:us-east-1:123456789012:function:hello',
};

/** Lets one call fail, at `at` counted from when it was armed. */
class Saboteur {
  private armed: { operation: string; at: number; fault: Fault } | undefined;
  hits = 0;

  readonly intercept: Intercept = ({ operation }: SandboxCall) => {
    if (this.armed === undefined || this.armed.operation !== operation) return undefined;
    this.armed.at -= 1;
    if (this.armed.at !== 0) return undefined;
    this.hits += 1;
    return this.armed.fault;
  };

  arm(operation: string, at: number, fault: Fault): void {
    this.armed = { operation, at, fault };
  }
}

/** Calls that would publish, move or change something twice if a lost answer were answered by sending them again. */
const ONCE = [
  'CreateFunction',
  'UpdateFunctionConfiguration',
  'UpdateFunctionCode',
  'PublishVersion',
  'CreateAlias',
  'UpdateAlias',
];

async function expectConverged(it: Stage, versions: number, lost?: string): Promise<void> {
  const { err, ...ran } = await it.run('apply', '--yes', '--format', 'json');
  expect({ exitCode: ran.exitCode, error: ran.json().functions[0].error, err }).toMatchObject({
    exitCode: 0,
    error: undefined,
  });
  expect(ran.json().result).toBe('succeeded');
  expect(`${ran.out}${err}`).not.toMatch(/somebody else/i);
  const calls = it.mutations();
  if (lost !== undefined && ONCE.includes(lost)) expect(calls.filter((one) => one === lost)).toEqual([lost]);
  const fn = it.fn();
  expect([...fn.versions.keys()]).toHaveLength(versions);
  expect(fn.aliases.get('live')).toMatchObject({ functionVersion: String(versions), weights: {} });
  const plan = await it.run('plan', '--detailed-exitcode', '--format', 'json');
  expect(plan.json()).toMatchObject({ changes: false });
  expect(plan.exitCode).toBe(0);
  const history = (await it.run('history', '--format', 'json')).json().records;
  expect(history[0]).toMatchObject({ result: 'succeeded', version: String(versions) });
  expect(history).toHaveLength(versions);
}

const SIGNING = 'arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-0123456789abcdef0';

describe('an update whose call goes wrong once ends as if it had not', () => {
  const targets: readonly (readonly [string, string, number])[] = [
    ['the open record', 'TagResource', 1],
    ['the tags of the function', 'TagResource', 2],
    ['the closed record', 'TagResource', 3],
    ['UntagResource', 'UntagResource', 1],
    ['PutFunctionCodeSigningConfig', 'PutFunctionCodeSigningConfig', 1],
    ['UpdateFunctionConfiguration', 'UpdateFunctionConfiguration', 1],
    ['UpdateFunctionCode', 'UpdateFunctionCode', 1],
    ['PublishVersion', 'PublishVersion', 1],
    ['the check by number', 'Invoke', 1],
    ['UpdateAlias', 'UpdateAlias', 1],
    ['the check of the alias', 'Invoke', 2],
  ];
  const cases = targets.flatMap(([what, operation, at]) =>
    [...FAULTS, ['AWS reports an update in progress', CONFLICT] as const].map(
      ([why, fault]) => [what, why, operation, at, fault] as const,
    ),
  );

  it.each(cases)('%s: %s', async (_what, _why, operation, at, fault) => {
    const saboteur = new Saboteur();
    const before = hello({ tags: { team: 'a', old: 'x' } });
    const run = await deployed({ intercept: saboteur.intercept }, fileOf({ hello: before }));
    await run.code(okHandler('two'));
    const after = { memorySize: 256, tags: { team: 'b', old: null }, codeSigningConfigArn: SIGNING };
    await run.file(fileOf({ hello: hello(after) }));
    saboteur.arm(operation, at, fault);
    await expectConverged(run, 2, fault.kind === 'reset-after' ? operation : undefined);
    expect(saboteur.hits).toBe(1);
  });
});

describe('a create whose call goes wrong once ends as if it had not', () => {
  const targets: readonly (readonly [string, number])[] = [
    ['CreateFunction', 1],
    ['PublishVersion', 1],
    ['Invoke', 1],
    ['CreateAlias', 1],
    ['Invoke', 2],
    ['TagResource', 1],
  ];
  const cases = targets.flatMap(([operation, at]) =>
    FAULTS.map(([why, fault]) => [operation, at, why, fault] as const),
  );

  it.each(cases)('%s %i: %s', async (operation, at, _why, fault) => {
    const saboteur = new Saboteur();
    const run = await stage({ intercept: saboteur.intercept });
    await run.file(fileOf({ hello: hello({ tags: { team: 'a' } }) }));
    await run.code(okHandler('one'));
    saboteur.arm(operation, at, fault);
    await expectConverged(run, 1, fault.kind === 'reset-after' ? operation : undefined);
    expect(saboteur.hits).toBe(1);
  });
});
