import { describe, expect, it } from 'vitest';
import { deployed, fileOf, hello, okHandler, stage, type Document } from './support.js';

const MUTATING = /^(Create|Update|Publish|Delete|Tag|Untag|Put|Invoke)/;

describe.each([
  ['tags', {}],
  ['file', { metadata: 'file:records' }],
])('with records in %s', (store, metadata: Document) => {
  it('a second apply reads and changes nothing, not even a record', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    const before = structuredClone({ tags: run.fn().tags, revision: run.fn().latest.revisionId });
    const again = await run.run('apply', '--yes', '--format', 'json');
    expect(again).toMatchObject({ exitCode: 0, err: '' });
    expect(again.json()).toMatchObject({ result: 'no_changes' });
    expect(run.seen().filter((operation) => MUTATING.test(operation))).toEqual([]);
    expect(run.seen()).toEqual(expect.arrayContaining(['GetFunction']));
    expect({ tags: run.fn().tags, revision: run.fn().latest.revisionId }).toEqual(before);
  });

  it('one function costs at most three reads when nothing differs', async () => {
    // A function without any tag costs one read more: AWS does not tell "none" from "not shown".
    const run = await deployed({}, fileOf({ hello: hello({ tags: { team: 'a' } }) }, metadata));
    await run.run('plan');
    expect(run.seen().sort()).toEqual(['GetFunction', 'GetFunction', 'ListAliases']);
  });

  it('a change of one byte of the code makes exactly the planned calls, in order', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    await run.code(okHandler('onE'));
    const plan = (await run.run('plan', '--format', 'json')).json();
    run.mutations();
    const ran = await run.run('apply', '--yes', '--format', 'json');
    expect(ran.exitCode).toBe(0);
    const planned: string[] = plan.functions[0].operations.map(({ type }: { type: string }) => type);
    const calls = run.seen().filter((operation) => MUTATING.test(operation));
    expect(calls).toEqual(planned);
    const record = store === 'tags' ? ['TagResource'] : [];
    const expected = ['UpdateFunctionCode', 'PublishVersion', 'Invoke', 'UpdateAlias', 'Invoke'];
    expect(calls).toEqual([...record, ...expected, ...record]);
    const done = ran.json().functions[0].operations;
    expect(done.map(({ type }: { type: string }) => type)).toEqual(planned);
    expect(done.every(({ status }: { status: string }) => status === 'done')).toBe(true);
  });

  it('a change of one setting sends that member and no other', async () => {
    const run = await deployed({}, fileOf({ hello: hello() }, metadata));
    await run.file(fileOf({ hello: hello({ timeout: 6 }) }, metadata));
    expect((await run.run('apply', '--yes')).exitCode).toBe(0);
    const sent = run.sandbox.calls.find(({ operation }) => operation === 'UpdateFunctionConfiguration');
    expect(sent?.body).toEqual({ Timeout: 6, RevisionId: expect.any(String) as string });
  });
});

it('a new function makes exactly the planned calls, in order', async () => {
  const run = await stage();
  await run.file(fileOf({ hello: hello() }));
  await run.code(okHandler('one'));
  const plan = (await run.run('plan', '--format', 'json')).json();
  run.mutations();
  expect((await run.run('apply', '--yes')).exitCode).toBe(0);
  const calls = run.seen().filter((operation) => MUTATING.test(operation));
  expect(calls).toEqual(plan.functions[0].operations.map(({ type }: { type: string }) => type));
  expect(calls).toEqual(['CreateFunction', 'PublishVersion', 'Invoke', 'CreateAlias', 'Invoke', 'TagResource']);
});
