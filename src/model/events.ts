import type { Operation } from './plan.js';
import type { FunctionResult, OperationStatus } from './result.js';

/** What a run tells while it goes on. Nothing in it is secret but `text`, which a handler wrote and must be redacted. */
export type ApplyEvent =
  | {
      readonly type: 'step-started';
      readonly function: string;
      readonly index: number;
      readonly total: number;
      readonly operation: Operation;
    }
  | {
      readonly type: 'step-ended';
      readonly function: string;
      readonly operation: Operation;
      readonly status: OperationStatus;
      readonly durationMs: number;
      readonly detail?: string;
    }
  /** Still waiting, `seconds` after the wait began. */
  | { readonly type: 'waiting'; readonly function: string; readonly waitingFor: string; readonly seconds: number }
  | { readonly type: 'retrying'; readonly function: string; readonly reason: string; readonly seconds: number }
  | { readonly type: 'taking-back'; readonly function: string; readonly alias: string; readonly version: string }
  | { readonly type: 'log-tail'; readonly function: string; readonly text: string }
  /** The last event of a function. */
  | { readonly type: 'ended'; readonly function: string; readonly result: FunctionResult['result'] };

export type Emit = (event: ApplyEvent) => void;
