import { tmpdir } from 'node:os';
import { fileURLToPath } from 'node:url';
import { expect, it, onTestFinished } from 'vitest';
import { startSandbox } from '../../src/sandbox/server.js';
import { program, works } from './support.js';

const SCRIPT = fileURLToPath(new URL('./boto3_smoke.py', import.meta.url));
const hasBoto3 = await works('boto3 against the sandbox', 'python3', '-c', 'import boto3');

it.skipIf(!hasBoto3)('a boto3 script runs against the sandbox unchanged', async () => {
  const sandbox = await startSandbox();
  onTestFinished(() => sandbox.close());
  const answer = await program(sandbox.url, tmpdir(), 'python3', [SCRIPT]);
  expect(answer.exitCode, answer.err).toBe(0);
  expect(JSON.parse(answer.out)).toEqual({
    payload: { seen: 7 },
    executed: '1',
    aliases: ['live'],
    missing: 'ResourceNotFoundException',
    account: '123456789012',
  });
});
