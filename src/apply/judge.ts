import type { Expectation } from '../model/function.js';
import { isJsonObject } from '../model/json.js';
import type { InvokeAnswer } from '../model/ports.js';
import { bodyProblems, parseJson } from './body.js';

/** Characters of a handler's own message. */
const MAX_MESSAGE_CHARACTERS = 1000;

/** What an answer says about a version, in a few words. */
export interface Verdict {
  readonly isHealthy: boolean;
  readonly what: string;
}

/**
 * Whether an answer is as expected. A handler that failed never is, whatever it answered; otherwise everything that differs is
 * named. Known secrets are taken out, and of a body only values at expected paths are quoted.
 *
 * @param callMs from the call to its answer: stands in for the handler's own time where the log tail does not say it
 */
export function judge(
  expected: Expectation,
  answer: InvokeAnswer,
  callMs: number,
  redact: (text: string) => string,
): Verdict {
  if (answer.functionError !== undefined) {
    const what = `the handler failed (${answer.functionError}): ${errorText(redact(answer.payload))}`;
    return { isHealthy: false, what };
  }
  const status = statusOf(answer);
  const tookMs = handlerMs(answer.logTail) ?? callMs;
  const { status: wanted = status, body, maxDurationMs = Infinity } = expected;
  const problems = [
    ...(status === wanted ? [] : [`it answered status ${status}, expected ${wanted}`]),
    ...(body === undefined ? [] : bodyProblems(body, answer.payload, redact)),
    ...(tookMs <= maxDurationMs ? [] : [`it took ${ms(tookMs)}, expected at most ${ms(maxDurationMs)}`]),
  ];
  if (problems.length > 0) return { isHealthy: false, what: problems.join('; ') };
  return { isHealthy: true, what: `status ${status}${maxDurationMs === Infinity ? '' : `, ${ms(tookMs)}`}` };
}

/** The payload's own statusCode where it has one (API Gateway, function URL), otherwise Invoke's HTTP status. */
function statusOf(answer: InvokeAnswer): number {
  const payload = parseJson(answer.payload);
  const status = isJsonObject(payload) ? payload['statusCode'] : undefined;
  return typeof status === 'number' ? status : answer.statusCode;
}

/**
 * How long the handler took by Lambda's own report, without a cold start, in milliseconds; `undefined`: the tail has no report, as
 * where system logs are left out of a JSON log.
 * @see https://docs.aws.amazon.com/lambda/latest/dg/monitoring-cloudwatchlogs-logformat.html
 */
export function handlerMs(logTail: string): number | undefined {
  // The handler may print what looks like one; Lambda's comes last.
  for (const line of logTail.split('\n').reverse()) {
    const plain = /^REPORT RequestId: \S+\s+Duration: (\d+(?:\.\d+)?) ms/.exec(line)?.[1];
    if (plain !== undefined) return Number(plain);
    const json = line.startsWith('{') ? parseJson(line) : undefined;
    if (!isJsonObject(json) || json['type'] !== 'platform.report' || !isJsonObject(json['record'])) continue;
    const { metrics } = json['record'];
    const duration = isJsonObject(metrics) ? metrics['durationMs'] : undefined;
    if (typeof duration === 'number') return duration;
  }
  return undefined;
}

function errorText(payload: string): string {
  const value = parseJson(payload);
  if (!isJsonObject(value)) return payload === '' ? 'no message' : payload.slice(0, MAX_MESSAGE_CHARACTERS);
  const { errorType, errorMessage } = value;
  const text = [errorType, errorMessage].filter((part) => typeof part === 'string' && part !== '').join(': ');
  return text === '' ? 'no message' : text;
}

function ms(value: number): string {
  return `${Math.round(value)} ms`;
}
