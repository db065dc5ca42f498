import { CreateFunctionCommand, type CreateFunctionCommandInput, GetFunctionCommand } from '@aws-sdk/client-lambda';
import type { JsonObject } from '../../../src/model/json.js';
import { type Seed, startSandbox } from '../../../src/sandbox/server.js';
import { putVersion } from '../../../src/sandbox/stores.js';
import { clientOf, PYTHON_ZIP, type RawAnswer, SETTLE_MS } from '../support.js';

/** The account of the recordings. */
export const ACCOUNT = '111111111111';
export const FUNCTION = 'recorded-function';
export const ARN = `arn:aws:lambda:us-east-1:${ACCOUNT}:function:${FUNCTION}`;

/** Any command of the SDK. */
interface Command {
  readonly input: object;
}

/** A scenario's hand on a sandbox: what it sends under a name is compared with the recording's response of that name. */
export interface Tape {
  readonly recorded: JsonObject;
  /** Answers by name, in the order in which they came. */
  readonly answers: ReadonlyMap<string, RawAnswer>;
  /** Sends; errors of AWS's are answers like any other. */
  send(name: string | null, command: Command): Promise<RawAnswer>;
  /** CreateFunction with what every recording has in common. */
  create(name: string | null, input?: Partial<CreateFunctionCommandInput>): Promise<RawAnswer>;
  get(name: string, qualifier?: string): Promise<RawAnswer>;
  /** An object in one of the seed's buckets. */
  put(bucket: string, key: string, body: Uint8Array): void;
  /** As the waiters of AWS: until everything is Active and Successful. */
  wait(): void;
}

/** Plays a scenario on a sandbox of its own and returns its answers. */
export async function play(
  recorded: JsonObject,
  scenario: (tape: Tape) => Promise<unknown>,
  seed: Seed = {},
): Promise<ReadonlyMap<string, RawAnswer>> {
  let now = Date.parse('2026-01-02T03:04:05.678Z');
  const sandbox = await startSandbox({ account: ACCOUNT, settleMs: SETTLE_MS, now: () => now, seed });
  let last: RawAnswer | undefined;
  const client = clientOf(sandbox.url, { raw: (answer) => (last = answer) });
  const answers = new Map<string, RawAnswer>();
  const send = async (name: string | null, command: Command): Promise<RawAnswer> => {
    last = undefined;
    const failure = await client.send(command as never).catch((error: unknown) => error);
    const answer: RawAnswer | undefined = last;
    if (answer === undefined) throw failure;
    if (name !== null) answers.set(name, answer);
    return answer;
  };
  const tape: Tape = {
    recorded,
    answers,
    send,
    create: (name, input = {}) =>
      send(
        name,
        new CreateFunctionCommand({
          FunctionName: FUNCTION,
          Role: `arn:aws:iam::${ACCOUNT}:role/recorded-role`,
          Runtime: 'python3.12',
          Handler: 'index.handler',
          Code: { ZipFile: PYTHON_ZIP },
          ...input,
        }),
      ),
    get: (name, qualifier) => send(name, new GetFunctionCommand({ FunctionName: FUNCTION, Qualifier: qualifier })),
    put(bucket, key, body) {
      const found = sandbox.state.stores.buckets.get(bucket);
      if (found === undefined) throw new Error(`the seed has no bucket ${bucket}`);
      putVersion(found, key, { body, now });
    },
    wait() {
      now += SETTLE_MS;
    },
  };
  try {
    await scenario(tape);
    return answers;
  } finally {
    client.destroy();
    await sandbox.close();
  }
}
