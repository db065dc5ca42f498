import { GetFunctionCommand, type LambdaClient, UpdateFunctionConfigurationCommand } from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import type { SandboxCall } from '../../src/sandbox/server.js';
import type { FunctionState } from '../../src/sandbox/state.js';
import { newRevision } from '../../src/sandbox/state.js';
import { deployed, fileOf, hello, okHandler, type Document, type Stage } from './support.js';

/** What somebody else does to the function, straight in the model: settled and with a new lock token, as AWS leaves it. */
const FOREIGN: readonly (readonly [string, RegExp, (fn: FunctionState) => void])[] = [
  [
    'changes the memory of $LATEST',
    /memorySize/,
    (fn) => {
      fn.latest.content = { ...fn.latest.content, config: { ...fn.latest.content.config, MemorySize: 512 } };
      fn.latest.revisionId = newRevision();
    },
  ],
  [
    'changes a variable of $LATEST',
    /environment\.GREETING/,
    (fn) => {
      const Environment = { Variables: { GREETING: 'foreign-value-1234' } };
      fn.latest.content = { ...fn.latest.content, config: { ...fn.latest.content.config, Environment } };
      fn.latest.revisionId = newRevision();
    },
  ],
  [
    'uploads other code to $LATEST',
    /code/,
    (fn) => {
      fn.latest.content = { ...fn.latest.content, code: { codeSha256: 'Zm9yZWlnbg==', zip: new Uint8Array() } };
      fn.latest.revisionId = newRevision();
    },
  ],
  [
    'moves the alias',
    /alias live/,
    (fn) => {
      const alias = fn.aliases.get('live');
      if (alias === undefined) throw new Error('no alias');
      Object.assign(alias, { functionVersion: '$LATEST', revisionId: newRevision() });
    },
  ],
];

/** Acts once, just before the n-th call of an operation after it was armed. */
class Stranger {
  private armed: { operation: string; at: number; act: () => void } | undefined;
  private acted = -1;
  private seen = 0;

  readonly intercept = ({ operation }: SandboxCall): undefined => {
    this.seen += 1;
    if (this.armed?.operation !== operation) return undefined;
    this.armed.at -= 1;
    if (this.armed.at !== 0) return undefined;
    this.armed.act();
    this.armed = undefined;
    this.acted = this.seen;
    return undefined;
  };

  arm(operation: string, at: number, act: () => void): void {
    this.armed = { operation, at, act };
  }

  get hasActed(): boolean {
    return this.acted >= 0;
  }
}

async function changed(stranger: Stranger): Promise<Stage> {
  const run = await deployed(
    { intercept: stranger.intercept },
    fileOf({ hello: hello() }, { metadata: 'file:records' }),
  );
  await run.code(okHandler('two'));
  await run.file(fileOf({ hello: hello({ timeout: 6 }) }, { metadata: 'file:records' }));
  return run;
}

describe('somebody else, between the plan and the first change', () => {
  it.each(FOREIGN)('%s: exit 3, nothing is changed, no record', async (_what, names, act) => {
    const stranger = new Stranger();
    const run = await changed(stranger);
    run.mutations();
    // The plan reads $LATEST and the alias; the third GetFunction is the look before the first write.
    stranger.arm('GetFunction', 3, () => act(run.fn()));
    const ran = await run.run('apply', '--yes');
    expect(stranger.hasActed).toBe(true);
    expect(ran.exitCode).toBe(3);
    expect(ran.out).toMatch(/LIVE_CHANGED/);
    expect(ran.out).toMatch(names);
    expect(`${ran.out}${ran.err}`).not.toContain('foreign-value-1234');
    expect(run.mutations()).toEqual([]);
    const history = (await run.run('history', '--format', 'json')).json().records;
    expect(history).toHaveLength(1);
  });
});

describe('somebody else, between two calls of an apply', () => {
  const points = ['UpdateFunctionConfiguration', 'UpdateFunctionCode', 'PublishVersion'] as const;
  const cases = points.flatMap((point) =>
    FOREIGN.slice(0, 3).map(([what, names, act]) => [what, point, names, act] as const),
  );

  it.each(cases)('%s before %s: exit 3, what was written is named', async (_what, point, names, act) => {
    const stranger = new Stranger();
    const run = await changed(stranger);
    run.mutations();
    stranger.arm(point, 1, () => act(run.fn()));
    const ran = await run.run('apply', '--yes');
    expect(stranger.hasActed).toBe(true);
    expect({ exitCode: ran.exitCode, out: ran.out }).toMatchObject({ exitCode: 3 });
    expect(ran.out).toMatch(names);
    // The refused call is the last one.
    expect(run.mutations().at(-1)).toBe(point);
    if (point !== 'UpdateFunctionConfiguration') expect(ran.out).toMatch(/\$LATEST of hello has the new configuration/);
    expect(run.fn().aliases.get('live')).toMatchObject({ functionVersion: '1', weights: {} });
    expect(run.fn().versions.size).toBe(1);
    const [record] = (await run.run('history', '--format', 'json')).json().records;
    expect(record).toMatchObject({ result: 'failed', version: '1', error: { code: 'LIVE_CHANGED' } });
  });

  it('moves the alias before UpdateAlias: its move stands', async () => {
    const stranger = new Stranger();
    const run = await changed(stranger);
    stranger.arm('UpdateAlias', 1, () => FOREIGN[3]?.[2](run.fn()));
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect(ran.exitCode).toBe(3);
    expect(ran.json().functions[0]).toMatchObject({ result: 'failed', version: '2', error: { code: 'LIVE_CHANGED' } });
    expect(ran.json().functions[0].notes.join(' ')).toMatch(/version 2 was published; no alias/);
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('$LATEST');
  });

  it('makes the alias before CreateAlias: theirs stands', async () => {
    const stranger = new Stranger();
    const run = await changed(stranger);
    const { live } = hello().aliases;
    await run.file(fileOf({ hello: hello({ aliases: { live, beta: live } }) }, { metadata: 'file:records' }));
    stranger.arm('CreateAlias', 1, () => {
      const beta = { name: 'beta', description: '', functionVersion: '1', revisionId: newRevision(), weights: {} };
      run.fn().aliases.set('beta', beta);
    });
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect(ran.exitCode).toBe(3);
    expect(ran.json().functions[0].error).toMatchObject({ code: 'LIVE_CHANGED' });
    expect(run.fn().aliases.get('beta')?.functionVersion).toBe('1');
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('1');
  });

  it('moves the alias away while it is to be taken back: both versions are named, nobody is overwritten', async () => {
    const stranger = new Stranger();
    const run = await changed(stranger);
    await run.code(
      `let n = 0;\nexport const handler = async () => { if (++n > 1) throw new Error('no'); return { statusCode: 200 }; };`,
    );
    stranger.arm('UpdateAlias', 2, () => FOREIGN[3]?.[2](run.fn()));
    const ran = await run.run('apply', '--yes');
    expect(ran.exitCode).toBe(5);
    expect(ran.out).toMatch(/NEEDS_A_HUMAN/);
    expect(ran.out).toMatch(/version 2\b.*\b1\b/);
    expect(ran.out).toMatch(/aws lambda update-alias --function-name hello --name live/);
    expect(run.fn().aliases.get('live')?.functionVersion).toBe('$LATEST');
  });
});

it('tells apart through the SDK too: a console edit after the plan was made is refused', async () => {
  const stranger = new Stranger();
  const run = await changed(stranger);
  let edit: Promise<unknown> | undefined;
  stranger.arm('ListAliases', 2, () => {
    edit = consoleEdit(run.client);
  });
  const ran = await run.run('apply', '--yes');
  await edit;
  // Before or after the look of apply, whichever came first: it never wins over the edit in silence.
  expect(ran.exitCode).toBe(3);
  const { Configuration } = await run.client.send(new GetFunctionCommand({ FunctionName: 'hello' }));
  expect(Configuration?.MemorySize).toBe(1024);
});

async function consoleEdit(client: LambdaClient): Promise<void> {
  await client.send(new UpdateFunctionConfigurationCommand({ FunctionName: 'hello', MemorySize: 1024 }));
}

describe.each([
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
])('two applies at once on one function, records in %s', (_store, metadata: Document) => {
  it('one wins, the other exits 3, and the result is one of the two specs whole', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    await run.code(okHandler('left'), 'left.zip');
    await run.code(okHandler('right'), 'right.zip');
    const left = hello({ code: { zip: 'left.zip' }, timeout: 7, environment: { GREETING: 'left' } });
    const right = hello({ code: { zip: 'right.zip' }, timeout: 8, environment: { GREETING: 'right' } });
    await run.write('left.yaml', JSON.stringify(fileOf({ hello: left }, metadata)));
    await run.write('right.yaml', JSON.stringify(fileOf({ hello: right }, metadata)));
    const both = await Promise.all(
      ['left.yaml', 'right.yaml'].map((file) => run.run('apply', '--yes', '--format', 'json', '-c', file)),
    );
    const codes = both.map(({ exitCode }) => exitCode);
    expect([...codes].sort(), both.map(({ out }) => out).join('\n')).toEqual([0, 3]);
    const winner = codes[0] === 0 ? { Timeout: 7, name: 'left' } : { Timeout: 8, name: 'right' };
    const loser = both[codes[0] === 0 ? 1 : 0]?.json();
    expect(['DEPLOYMENT_RUNNING', 'LIVE_CHANGED']).toContain(loser?.functions[0].error.code);
    const version = run.fn().aliases.get('live')?.functionVersion ?? '';
    const { config } = run.fn().versions.get(version)?.content ?? run.fn().latest.content;
    expect(config).toMatchObject({ Timeout: winner.Timeout, Environment: { Variables: { GREETING: winner.name } } });
    expect(run.fn().versions.size).toBe(2);
    const plan = await run.run('plan', '--detailed-exitcode', '-c', `${winner.name}.yaml`);
    expect(plan.exitCode).toBe(0);
    const records: Document[] = (await run.run('history', '--format', 'json')).json().records;
    expect(records.filter(({ result }) => result === 'succeeded').map((one) => one['version'])).toEqual(['2', '1']);
  });
});
