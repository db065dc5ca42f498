import {
  AddPermissionCommand,
  CreateEventSourceMappingCommand,
  PutFunctionEventInvokeConfigCommand,
} from '@aws-sdk/client-lambda';
import { describe, expect, it } from 'vitest';
import { parsePolicies } from '../../src/sandbox/iam-policy.js';
import type { SandboxOptions } from '../../src/sandbox/server.js';
import { deployed, type Document, fileOf, hello, okHandler, spawnCli, type Stage } from './support.js';

/** Versions 1 to `count`, each deployed to `live`. */
async function versions(count: number, options: SandboxOptions = {}, more: Document = {}): Promise<Stage> {
  const it = await deployed(
    { settleMs: 0, invoke: () => ({ statusCode: 200, body: 'ok' }), ...options },
    fileOf({ hello: hello() }, more),
  );
  for (let version = 2; version <= count; version += 1) {
    await it.code(okHandler(String(version)));
    expect((await it.run('apply', '--yes')).exitCode).toBe(0);
  }
  it.mutations();
  return it;
}

const numbers = (it: Stage): string[] => [...it.fn().versions.keys()];

function alias(it: Stage, name: string, functionVersion: string, weights: Record<string, number> = {}): void {
  const live = it.fn().aliases.get('live');
  if (live === undefined) throw new Error('there is no alias live');
  it.fn().aliases.set(name, { ...live, name, functionVersion, weights: weights as never });
}

const planned = (plan: Document): string[] =>
  plan['functions'][0].operations.map(({ version }: Document) => String(version));

describe('prune', () => {
  it('with the built program: shows its plan, deletes what nothing needs, and rollback still goes back', async () => {
    const it = await versions(6);
    const env = { LAMBDA_DEPLOY_ENDPOINT_URL: it.sandbox.url, BUILDKITE_COMMIT: '' };
    const cli = async (...argv: string[]) => spawnCli(argv, { cwd: it.folder, env }).done;
    const plan = await cli('prune', '--keep', '2', '--plan-only');
    expect([plan.exitCode, plan.out]).toEqual([0, expect.stringContaining('Plan: 3 versions to delete.')]);
    expect(plan.out).toContain('a rollback of alias live goes there');
    expect(it.mutations()).toEqual([]);
    const done = await cli('prune', '--keep', '2', '--yes');
    expect([done.exitCode, done.out]).toEqual([0, expect.stringContaining('deleted: 1, 2, 3')]);
    expect(numbers(it)).toEqual(['4', '5', '6']);
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    expect((await it.run('rollback', '--yes')).exitCode).toBe(0);
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('4');
    expect((await it.run('prune', '--keep', '2', '--yes')).out).toContain('Nothing to delete.');
  });

  it('asks: without a terminal and --yes nothing is called; a no is a no', async () => {
    const it = await versions(4);
    const refused = await it.run('prune', '--keep', '1');
    expect([refused.exitCode, refused.err]).toEqual([1, expect.stringContaining('CONFIRMATION_REQUIRED')]);
    const terminal = { isTerminal: { stdin: true, stdout: true, stderr: true }, ask: () => Promise.resolve('no') };
    expect((await it.runWith(terminal, 'prune', '--keep', '1')).exitCode).toBe(1);
    expect(numbers(it)).toHaveLength(4);
  });

  it.each(['0', '-1', '1.5', 'all', ''])('--keep=%s is refused before any call', async (keep) => {
    const it = await versions(1);
    const ran = await it.run('prune', `--keep=${keep}`, '--yes');
    expect([ran.exitCode, ran.err, it.seen()]).toEqual([1, expect.stringContaining('USAGE'), []]);
  });

  it('keeps what aliases that nobody declared use, and what has a policy or provisioned concurrency of its own', async () => {
    const it = await versions(8);
    alias(it, 'theirs', '1');
    it.fn().provisioned.set('2', { requested: 1, readyAt: 0, lastModified: '' });
    const permission = { Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com', StatementId: 'a' };
    await it.client.send(new AddPermissionCommand({ FunctionName: 'hello', Qualifier: '3', ...permission }));
    const plan = (await it.run('prune', '--keep', '1', '--plan-only', '--format', 'json')).json();
    expect(planned(plan)).toEqual(['4', '5', '6']);
    expect(JSON.stringify(plan)).toContain('it has a policy of its own');
    expect(JSON.stringify(plan)).toContain('it has provisioned concurrency of its own');
    expect(JSON.stringify(plan)).toContain('alias theirs points at it');
    expect(plan['warnings'].map(({ code }: Document) => String(code))).toEqual([
      'REFERENCES_BY_NUMBER',
      'NOT_PUBLISHED_AGAIN',
    ]);
    const markdown = await it.run('prune', '--keep', '1', '--plan-only', '--format', 'markdown');
    expect(markdown.out).toMatch(/\| delete \| published \| description \| why \|/);
  });

  it('keeps what any environment of the file pins, also before it is applied', async () => {
    const it = await versions(5);
    const pinned = (version: string): Document => ({ functions: { hello: { aliases: { live: { version } } } } });
    const file = (two: string): Document =>
      fileOf({ hello: hello() }, { environments: { one: pinned('1'), two: pinned(two) } });
    await it.file(file('2'));
    const run = (...argv: string[]) => it.run('prune', '--keep', '1', '--environment', 'one', ...argv);
    const plan = (await run('--plan-only', '--format', 'json')).json();
    expect(planned(plan)).toEqual(['3']);
    const reasons = (version: string): unknown =>
      plan['functions'][0].kept.find((one: Document) => one['version'] === version)['reasons'];
    expect(reasons('1')).toEqual(['alias live is to point at it in environment one']);
    expect(reasons('2')).toEqual(['alias live is to point at it in environment two']);
    expect((await run('--yes')).exitCode).toBe(0);
    expect((await it.run('apply', '--environment', 'one', '--yes')).exitCode).toBe(0);
    expect(it.fn().aliases.get('live')?.functionVersion).toBe('1');
    const before = it.seen();
    await it.file(file('${PINNED}'));
    const unknown = await run('--yes');
    expect([unknown.exitCode, unknown.err]).toEqual([1, expect.stringContaining('UNSET_VARIABLE')]);
    expect(it.seen()).toEqual(before);
    expect((await it.run('prune', '--help')).out).not.toContain('--alias');
  });

  it('deletes nothing while a rollout is open', async () => {
    const it = await versions(5);
    alias(it, 'theirs', '2', { '3': 0.1 });
    const ran = await it.run('prune', '--keep', '1', '--yes');
    expect([ran.exitCode, ran.out]).toEqual([0, expect.stringContaining('alias theirs has a rollout open')]);
    expect(it.mutations()).toEqual([]);
  });

  it('keeps a version that an alias got meanwhile, before the call and where Lambda refuses it', async () => {
    let calls = 0;
    const it: Stage = await versions(6, {
      intercept: ({ operation }) => {
        if (operation !== 'DeleteFunction') return undefined;
        calls += 1;
        // Just before the deletion of 1 somebody points at 3, whose way back is 2, and before that of 4 at 4.
        alias(it, calls === 1 ? 'early' : 'late', calls === 1 ? '3' : '4');
        return undefined;
      },
    });
    const refused = await it.run('prune', '--keep', '1', '--yes');
    expect([refused.exitCode, refused.out]).toEqual([
      0,
      expect.stringContaining('kept: 4, by now alias late points at it'),
    ]);
    expect(refused.out).toContain('kept: 3, by now alias early points at it');
    expect(refused.out).toContain('kept: 2, by now no record says where a rollback of alias early goes');
    expect(numbers(it)).toEqual(['2', '3', '4', '5', '6']);
  });

  it('looks again once somebody has answered: what is needed by then stays, and nothing goes that was not in the plan', async () => {
    const it = await versions(9);
    const on = (Qualifier: string) => ({ FunctionName: 'hello', Qualifier });
    const ask = async (): Promise<string> => {
      const back = await it.run('rollback', '--to', '2', '--yes');
      expect(back.exitCode, back.err).toBe(0);
      const permission = { Action: 'lambda:InvokeFunction', Principal: 's3.amazonaws.com', StatementId: 'a' };
      await it.client.send(new AddPermissionCommand({ ...on('3'), ...permission }));
      const EventSourceArn = 'arn:aws:sqs:us-east-1:123456789012:orders';
      await it.client.send(new CreateEventSourceMappingCommand({ FunctionName: 'hello:4', EventSourceArn }));
      await it.client.send(new PutFunctionEventInvokeConfigCommand({ ...on('5'), MaximumRetryAttempts: 0 }));
      it.fn().provisioned.set('6', { requested: 1, readyAt: 0, lastModified: '' });
      return 'y';
    };
    const isTerminal = { stdin: true, stdout: true, stderr: true };
    const ran = await it.runWith({ isTerminal, ask }, 'prune', '--keep', '1', '--format', 'markdown');
    expect(ran.exitCode, ran.err).toBe(0);
    const rows = ran.out.slice(ran.out.indexOf('**hello**')).split('\n');
    expect(rows).toEqual([
      '**hello**: 2 of 7 deleted',
      '',
      '| outcome | versions | why |',
      '| --- | --- | --- |',
      '| deleted | 1, 7 |  |',
      '| kept | 2 | by now alias live points at it |',
      '| kept | 3 | by now it has a policy of its own |',
      '| kept | 4 | by now it has an event source of its own |',
      '| kept | 5 | by now it has settings for asynchronous events of its own |',
      '| kept | 6 | by now it has provisioned concurrency of its own |',
      '',
      'Prune succeeded.',
      '',
    ]);
    expect(numbers(it)).toEqual(['2', '3', '4', '5', '6', '8', '9']);
  });

  it('deletes nothing more once a rollout has begun, also while the question was open', async () => {
    const it = await versions(5);
    const ask = (): Promise<string> => {
      alias(it, 'theirs', '5', { '4': 0.1 });
      return Promise.resolve('yes');
    };
    const isTerminal = { stdin: true, stdout: true, stderr: true };
    const ran = await it.runWith({ isTerminal, ask }, 'prune', '--keep', '1', '--format', 'markdown');
    expect([ran.exitCode, it.mutations()]).toEqual([3, []]);
    expect(ran.out).toContain('| not deleted | 1, 2, 3 |');
    expect(ran.out).toContain('- `DEPLOYMENT_RUNNING` alias theirs has a rollout open');
  });

  it('reads of three hundred versions their policies one by one, in a pace that AWS allows, and all the rest in lists', async () => {
    const it = await versions(1);
    const one = it.fn().versions.get('1');
    if (one === undefined) throw new Error('there is no version 1');
    for (let number = 2; number <= 300; number += 1)
      it.fn().versions.set(String(number), { ...one, version: String(number) });
    const before = it.clock.now();
    expect((await it.run('prune', '--keep', '1', '--plan-only')).exitCode).toBe(0);
    const seen = it.seen();
    const calls = [...new Set(seen)].sort().map((name) => [name, seen.filter((other) => other === name).length]);
    expect(calls).toEqual([
      ['GetFunction', 1],
      ['GetPolicy', 298],
      ['ListAliases', 1],
      ['ListEventSourceMappings', 1],
      ['ListFunctionEventInvokeConfigs', 1],
      ['ListProvisionedConcurrencyConfigs', 1],
      ['ListVersionsByFunction', 7],
    ]);
    // Ten a second, of the fifteen that there are.
    expect(it.clock.now() - before).toBeGreaterThanOrEqual(29_000);
  });

  it('finds by reading that a deletion whose answer was lost took effect', async () => {
    const it = await versions(4, {
      intercept: ({ operation, n }) =>
        operation === 'DeleteFunction' && n === 1 ? { kind: 'reset-after' } : undefined,
    });
    const ran = await it.run('prune', '--keep', '1', '--yes', '--format', 'json');
    expect(ran.json()['functions'][0].operations.map(({ status }: Document) => String(status))).toContain('recovered');
    expect(numbers(it)).toEqual(['3', '4']);
  });

  it('stops between two deletions on a signal, and says what was deleted', async () => {
    const controller = new AbortController();
    const { DeployError } = await import('../../src/errors.js');
    const it = await versions(6, {
      intercept: ({ operation }) => {
        if (operation === 'DeleteFunction') controller.abort(new DeployError('INTERRUPTED', 'stopped.'));
        return undefined;
      },
    });
    const ran = await it.runWith({ signal: controller.signal }, 'prune', '--keep', '1', '--yes');
    expect(ran.exitCode).toBe(143);
    expect(ran.out).toContain('deleted: 1\n');
    expect(ran.out).toContain('not deleted: 2, 3, 4');
    expect(numbers(it)).toEqual(['2', '3', '4', '5', '6']);
  });

  it('runs with the policy of iam-policy --prune, which cannot delete the function', async () => {
    const policies = new Map(parsePolicies('{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}'));
    const it = await versions(4, { iamPolicy: policies });
    const restrict = async (...argv: string[]): Promise<string> => {
      const { out } = await it.run('iam-policy', ...argv);
      for (const [key, rules] of parsePolicies(out)) policies.set(key, rules);
      return out;
    };
    expect(await restrict()).not.toContain('lambda:DeleteFunction"');
    expect((await it.run('prune', '--keep', '1', '--yes')).exitCode).toBe(1);
    expect(await restrict('--for', 'plan', '--prune')).not.toContain('lambda:DeleteFunction"');
    expect((await it.run('prune', '--keep', '1', '--yes')).exitCode).toBe(1);
    const policy = JSON.parse(await restrict('--prune')) as Document;
    const statement = policy['Statement'].find(({ Sid }: Document) => Sid === 'DeleteVersions');
    expect(statement.Resource).toEqual(['arn:aws:lambda:us-east-1:123456789012:function:hello:*']);
    expect((await it.run('prune', '--keep', '1', '--yes')).exitCode).toBe(0);
    expect(numbers(it)).toEqual(['3', '4']);
  });
});
