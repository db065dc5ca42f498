import { GetFunctionCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { backBackForward, digestBehind, type Look } from './journey.js';
import { deployed, fileOf, hello, okHandler, type Stage, throwingHandler } from './support.js';

const withSdk: Look = async ({ client }, qualifier) => {
  const {
    Configuration: seen,
    Code,
    Tags = {},
  } = await client.send(
    new GetFunctionCommand({ FunctionName: 'hello', ...(qualifier === undefined ? {} : { Qualifier: qualifier }) }),
  );
  return {
    version: seen?.Version ?? '',
    timeout: seen?.Timeout ?? 0,
    memorySize: seen?.MemorySize ?? 0,
    variables: seen?.Environment?.Variables ?? {},
    codeSha256: seen?.CodeSha256 ?? '',
    bytes: await digestBehind(Code?.Location ?? ''),
    tags: Object.fromEntries(Object.entries(Tags).filter(([key]) => !key.startsWith('lambda-deploy:'))),
  };
};

it.each(['tags', 's3'] as const)(
  'from a fresh clone, with the folder of the deployments gone: back, back, forward (%s)',
  (store) => backBackForward(withSdk, store),
);

it('says that records in tags cannot restore tags', async () => {
  const it = await deployed({}, fileOf({ hello: hello({ tags: { team: 'a' } }) }));
  await it.code(okHandler('two'));
  await it.run('apply', '--yes');
  const plan = await it.run('rollback', '--plan-only', '--format', 'json');
  expect(plan.json()['warnings']).toEqual([expect.objectContaining({ code: 'TAGS_NOT_RESTORED' })]);
});

describe('without any record', () => {
  /** Two versions, and nobody's tags. */
  async function forgotten(): Promise<Stage> {
    const it = await deployed({}, fileOf({ hello: hello({ versionDescription: 'the first' }) }));
    await it.code(okHandler('two'));
    await it.run('apply', '--yes');
    it.fn().tags = {};
    it.mutations();
    return it;
  }
  const isTerminal = { stdin: true, stdout: true, stderr: true };

  it('lists the versions that AWS has, with dates and descriptions, and changes nothing', async () => {
    const it = await forgotten();
    const ran = await it.run('rollback', '--yes', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([1, 'NO_ROLLBACK_TARGET']);
    expect(ran.json()['error'].hint).toMatch(/--to VERSION; AWS has 2 \(20\d\d-[^;]*\); 1 \(20\d\d-\S+ the first\)\.$/);
    expect(it.mutations()).toEqual([]);
  });

  it('asks whoever sits at a terminal', async () => {
    const it = await forgotten();
    const questions: string[] = [];
    const ask = (question: string): Promise<string> => {
      questions.push(question);
      return Promise.resolve(questions.length === 1 ? ' 1 ' : 'y');
    };
    const ran = await it.runWith({ ask, isTerminal }, 'rollback');
    expect(ran.exitCode).toBe(0);
    expect(questions).toEqual(['Go to which version? ', 'Roll back like this? [y/N] ']);
    expect(ran.err).toMatch(/there is no record of a deployment[^]*2 \(.*\) {2}\(live\)\n {2}1 \(.* the first\)\n/);
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('1');
  });

  it.each(['', '9', 'y', '$LATEST', '1; rm'])('takes %j for no version', async (answer) => {
    const it = await forgotten();
    const ran = await it.runWith({ ask: () => Promise.resolve(answer), isTerminal }, 'rollback', '--format', 'json');
    expect([ran.exitCode, ran.json()['error'].code]).toEqual([1, 'NO_ROLLBACK_TARGET']);
    expect(it.mutations()).toEqual([]);
  });
});

describe('a version that fails its check now', () => {
  /** Version 1 was good once, version 2 is live. */
  async function turnedBad(): Promise<Stage> {
    const it = await deployed();
    await it.code(okHandler('two'));
    await it.run('apply', '--yes');
    const first = it.fn().versions.get('1');
    if (first === undefined) throw new Error('version 1 is there');
    await it.code(throwingHandler('gone'), 'other.zip');
    it.mutations();
    return it;
  }

  it('is not gone to; with --skip-check it is, and nothing is invoked', async () => {
    const file = fileOf({ hello: hello({ aliases: { live: { healthCheck: { expect: { status: 204 } } } } }) });
    const it = await turnedBad();
    await it.file(file);
    const refused = await it.run('rollback', '--yes');
    expect(refused.exitCode).toBe(4);
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('2');
    it.mutations();
    const gone = await it.run('rollback', '--yes', '--skip-check');
    expect(gone.exitCode).toBe(0);
    expect(it.seen()).not.toContain('Invoke');
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('1');
  });
});

describe('an idle version', () => {
  /** Version 1 is Inactive, and Active from the `wakesAt`th invocation on. */
  async function idle(wakesAt: number): Promise<Stage> {
    let invocations = 0;
    let wake = (): void => undefined;
    const it = await deployed(
      {
        intercept: ({ operation }) => {
          if (operation === 'Invoke' && (invocations += 1) === wakesAt) wake();
          return undefined;
        },
      },
      fileOf({ hello: hello({ aliases: { live: {} } }) }),
    );
    await it.code(okHandler('two'));
    await it.run('apply', '--yes');
    const first = it.fn().versions.get('1');
    if (first === undefined) throw new Error('version 1 is there');
    const active = first.status;
    first.status = { ...active, State: 'Inactive', StateReason: 'idle', StateReasonCode: 'Idle' };
    wake = () => void (first.status = active);
    it.mutations();
    return it;
  }

  it('is woken and waited for before the alias moves', async () => {
    const it = await idle(3);
    const ran = await it.run('rollback', '--yes');
    expect(ran.exitCode, ran.out + ran.err).toBe(0);
    const calls = it.seen();
    expect(calls.filter((one) => one === 'Invoke')).toHaveLength(3);
    expect(calls.lastIndexOf('Invoke')).toBeLessThan(calls.indexOf('UpdateAlias'));
  });

  it('that does not wake gets no traffic', async () => {
    const it = await idle(99);
    const ran = await it.run('rollback', '--yes');
    expect([ran.exitCode, ran.out]).toEqual([1, expect.stringContaining('idle (Inactive) and did not become Active')]);
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('2');
  });
});
