import type { Json } from '../model/json.js';
import type { Invocation, Invoker, Outcome, Runnable } from './invoke.js';

/** The version that an event came to. */
export interface InvokedVersion {
  readonly functionName: string;
  /** A number, or `$LATEST`. */
  readonly version: string;
  readonly invokedArn: string;
  readonly codeSha256: string;
  readonly variables: Readonly<Record<string, string>>;
}

/** Answers an event in place of the handler; what it throws becomes a function error. */
export type AnswerEvent = (event: Json, version: InvokedVersion) => Json | Promise<Json>;

/** Asks a function of this process: no archive is unpacked and no process started. */
export class InProcess implements Invoker {
  constructor(private readonly answer: AnswerEvent) {}

  async run({ functionName, version, code, variables }: Runnable, invocation: Invocation): Promise<Outcome> {
    const { requestId, invokedArn, payload } = invocation;
    const log = `START RequestId: ${requestId} Version: ${version}\nEND RequestId: ${requestId}\n`;
    const about = { functionName, version, invokedArn, codeSha256: code.codeSha256, variables };
    try {
      const answer = await this.answer(JSON.parse(payload) as Json, about);
      return { payload: JSON.stringify(answer), log };
    } catch (error) {
      const known = error instanceof Error ? error : new Error(String(error));
      const failure = { errorType: known.name, errorMessage: known.message };
      return { payload: JSON.stringify(failure), functionError: 'Unhandled', log };
    }
  }

  /** Nothing is kept. */
  forget(): void {}
}
