import { Readable } from 'node:stream';
import { CreateFunctionCommand, type CreateFunctionCommandInput, LambdaClient } from '@aws-sdk/client-lambda';
import { strToU8, zipSync } from 'fflate';
import { onTestFinished } from 'vitest';
import { type Sandbox, type SandboxOptions, startSandbox } from '../../src/sandbox/server.js';

export const ROLE = 'arn:aws:iam::123456789012:role/my-role';
export const SETTLE_MS = 1000;
export const PYTHON_ZIP = zipOf({ 'index.py': 'def handler(event, context):\n    return event\n' });
export const OTHER_ZIP = zipOf({ 'index.py': 'def handler(event, context):\n    return "other"\n' });

export function zipOf(files: Readonly<Record<string, string>>): Uint8Array<ArrayBuffer> {
  return zipSync(Object.fromEntries(Object.entries(files).map(([name, text]) => [name, strToU8(text)])));
}

/** What came over the wire, before the SDK took it apart. */
export interface RawAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly text: string;
}

interface WireRequest {
  readonly method: string;
  readonly path: string;
  readonly query?: Readonly<Record<string, string | string[] | null>>;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: string | Uint8Array<ArrayBuffer>;
}

interface Credentials {
  readonly accessKeyId: string;
  readonly secretAccessKey: string;
}

export const CREDENTIALS: Credentials = { accessKeyId: 'anybody', secretAccessKey: 'sandbox' };

/** A real client of the SDK; `raw` gets every answer as it came. */
export function clientOf(
  url: string,
  options: { region?: string; credentials?: Credentials; raw?: (answer: RawAnswer) => void } = {},
): LambdaClient {
  const { raw } = options;
  const region = options.region ?? 'us-east-1';
  const base = { endpoint: url, region, credentials: options.credentials ?? CREDENTIALS, maxAttempts: 1 };
  if (raw === undefined) return new LambdaClient(base);
  return new LambdaClient({
    ...base,
    requestHandler: {
      async handle(request: WireRequest) {
        const pairs = Object.entries(request.query ?? {}).flatMap(([key, value]) =>
          [value ?? ''].flat().map((one) => `${encodeURIComponent(key)}=${encodeURIComponent(one)}`),
        );
        const query = pairs.length === 0 ? '' : `?${pairs.join('&')}`;
        const { host: _host, 'content-length': _length, ...headers } = request.headers;
        const response = await fetch(`${url}${request.path}${query}`, {
          method: request.method,
          headers,
          ...(request.body === undefined ? {} : { body: request.body }),
        });
        const text = await response.text();
        raw({ status: response.status, headers: Object.fromEntries(response.headers), text });
        return {
          response: {
            statusCode: response.status,
            headers: Object.fromEntries(response.headers),
            body: Readable.from([Buffer.from(text)]),
          },
        };
      },
    },
  });
}

export interface Bench {
  readonly sandbox: Sandbox;
  readonly client: LambdaClient;
  /** Moves the clock past every transition that is under way. */
  wait(): void;
  /** Creates a function and lets it settle. */
  create(name: string, input?: Partial<CreateFunctionCommandInput>): Promise<void>;
}

/** A sandbox with a clock that stands still, closed when the test ends, however it ends. */
export async function bench(options: SandboxOptions = {}): Promise<Bench> {
  let now = Date.parse('2026-01-02T03:04:05.678Z');
  const sandbox = await startSandbox({ settleMs: SETTLE_MS, now: () => now, ...options });
  const client = clientOf(sandbox.url);
  onTestFinished(async () => {
    client.destroy();
    await sandbox.close();
  });
  const wait = (): void => {
    now += SETTLE_MS;
  };
  return {
    sandbox,
    client,
    wait,
    async create(name, input = {}) {
      await client.send(
        new CreateFunctionCommand({
          FunctionName: name,
          Role: ROLE,
          Runtime: 'python3.12',
          Handler: 'index.handler',
          Code: { ZipFile: PYTHON_ZIP },
          ...input,
        }),
      );
      wait();
    },
  };
}

/** What a call is refused with: HTTP status, code and AWS's text. */
export async function refusal(promise: Promise<unknown>): Promise<{ status: number; code: string; message: string }> {
  try {
    await promise;
  } catch (error) {
    const { name, message, $metadata } = error as Error & { $metadata?: { httpStatusCode?: number } };
    return { status: $metadata?.httpStatusCode ?? 0, code: name, message };
  }
  throw new Error('the call was expected to be refused and was not');
}
