import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { createDocuments } from '../../src/aws/documents.js';
import type { FaultAction } from '../../src/sandbox/faults.js';
import { type Sandbox, startSandbox } from '../../src/sandbox/server.js';
import '../e2e/support.js';
import { MemoryDocuments } from './memory-documents.js';
import { full } from './sample.js';
import { expectWhole, fresh, lostAnswersContract, run, writersContract } from './writers.js';

let sandbox: Sandbox;
let deniedCall = 0;
let made = 0;
beforeAll(async () => {
  const buckets = Object.fromEntries(
    Array.from({ length: 20 }, (_, n) => [`bucket-${n}`, { versioning: n % 2 === 1 }]),
  );
  const intercept = () =>
    (deniedCall -= 1) === 0
      ? ({ kind: 'error', status: 403, code: 'AccessDenied', message: 'no' } as const)
      : undefined;
  sandbox = await startSandbox({ seed: { buckets }, intercept });
});
afterAll(() => sandbox.close());

/** Clients of a bucket that nobody else has; every second one keeps versions. */
function bucket() {
  const name = `bucket-${made++}`;
  return () => createDocuments({ endpoint: sandbox.url, region: 'us-east-1' }, name);
}

const inMemory = () => {
  const { objects } = new MemoryDocuments();
  return Promise.resolve(() => new MemoryDocuments(objects));
};
writersContract('in memory', inMemory);
lostAnswersContract('in memory', inMemory);
writersContract('the SDK on the sandbox', () => Promise.resolve(bucket()));

describe('a failure on the wire, at every call of a run', () => {
  const faults: readonly (readonly [string, FaultAction | 'denied'])[] = [
    ['the connection is cut before the effect', { reset: 'before' }],
    ['the connection is cut after the effect', { reset: 'after' }],
    ['S3 fails', { status: 500 }],
    ['S3 is too busy', { status: 429 }],
    ['it is denied', 'denied'],
  ];
  it.each(faults)('%s: nothing is lost, and the next run goes on', async (_why, fault) => {
    const port = bucket()();
    const client = await fresh(port);
    const first = sandbox.calls.length;
    await run(client, full(3));
    const calls = sandbox.calls.length - first;
    expect(calls).toBeGreaterThanOrEqual(6);
    for (let call = 1; call <= calls; call += 1) {
      const own = await fresh(port);
      if (fault === 'denied') deniedCall = call;
      else sandbox.faults.arm([{ operation: '*', call, fault }]);
      const error = await run(own, full(3)).then(
        () => undefined,
        (thrown: unknown) => thrown,
      );
      if (fault === 'denied') {
        expect(deniedCall).toBeLessThanOrEqual(0);
        expect(error).toMatchObject({ code: 'AWS_ACCESS_DENIED' });
      } else expect(sandbox.faults.fired).toEqual([1]);
      sandbox.faults.arm([]);
      await expectWhole(own, full(3), error);
    }
  });
});
