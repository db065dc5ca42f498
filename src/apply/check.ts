import { DeployError, isDeployError } from '../errors.js';
import type { HealthCheck, Version } from '../model/function.js';
import { isJsonObject, type Json } from '../model/json.js';
import type { InvokeAnswer } from '../model/ports.js';
import type { ApplyPorts } from './job.js';

/** A healthy answer is asked for again after this pause while the answers tell nothing. */
const PAUSE_MS = 250;

/** Codes that say nothing about the version: asked again until the check's own timeout (semantics 14). */
const INCONCLUSIVE = ['AWS_THROTTLED', 'AWS_AMBIGUOUS', 'AWS_UNREACHABLE', 'AWS_CONFLICT'] as const;

/**
 * Runs one health check until it passes or fails. A handler that throws fails it, whatever the HTTP status; an answer of another
 * version than `expected` says nothing.
 *
 * @param qualifier the version's number, or the alias
 * @param expected the version that has to answer
 * @param check with the secrets of its payload
 * @throws HEALTH_CHECK_FAILED with the handler's own message
 */
export async function runCheck(
  functionName: string,
  qualifier: string,
  expected: Version,
  check: HealthCheck,
  ports: ApplyPorts,
): Promise<string> {
  const started = ports.clock.now();
  const deadline = started + check.timeoutSeconds * 1000;
  let last = 'no answer';
  for (;;) {
    const secondsLeft = (deadline - ports.clock.now()) / 1000;
    if (secondsLeft <= 0) break;
    try {
      const answer = await ports.lambda.invoke(functionName, qualifier, check, secondsLeft);
      if (answer.executedVersion === undefined || answer.executedVersion === expected)
        return judge(functionName, qualifier, check, answer, ports);
      last = `version ${answer.executedVersion} answered instead of ${expected}`;
    } catch (error) {
      if (!INCONCLUSIVE.some((code) => isDeployError(error, code))) throw error;
      last = (error as DeployError).detail;
    }
    ports.emit({
      type: 'waiting',
      function: functionName,
      waitingFor: `a conclusive answer of ${qualifier} (${last})`,
      seconds: Math.round((ports.clock.now() - started) / 1000),
    });
    await ports.clock.sleep(PAUSE_MS, ports.signal);
  }
  throw failed(functionName, qualifier, `no conclusive answer within ${check.timeoutSeconds} s; the last one: ${last}`);
}

function judge(
  functionName: string,
  qualifier: string,
  check: HealthCheck,
  answer: InvokeAnswer,
  ports: ApplyPorts,
): string {
  const problem = problemOf(check, answer, ports);
  if (problem === undefined) return `status ${statusOf(answer)}`;
  if (answer.logTail !== '') ports.emit({ type: 'log-tail', function: functionName, text: answer.logTail });
  throw failed(functionName, qualifier, problem);
}

function problemOf(check: HealthCheck, answer: InvokeAnswer, { redact }: ApplyPorts): string | undefined {
  if (answer.functionError !== undefined)
    return `the handler failed (${answer.functionError}): ${errorText(redact(answer.payload))}`;
  const wanted = check.expect?.status;
  const status = statusOf(answer);
  if (wanted === undefined || status === wanted) return undefined;
  return `it answered status ${status}, expected ${wanted}`;
}

/** The payload's own statusCode where it has one (API Gateway, function URL), otherwise Invoke's HTTP status. */
function statusOf(answer: InvokeAnswer): number {
  const payload = parse(answer.payload);
  const status = isJsonObject(payload) ? payload['statusCode'] : undefined;
  return typeof status === 'number' ? status : answer.statusCode;
}

function errorText(payload: string): string {
  const value = parse(payload);
  if (!isJsonObject(value)) return payload === '' ? 'no message' : payload.slice(0, 1000);
  const { errorType, errorMessage } = value;
  return [errorType, errorMessage].filter((part) => typeof part === 'string' && part !== '').join(': ') || 'no message';
}

function parse(text: string): Json | undefined {
  try {
    return JSON.parse(text) as Json;
  } catch {
    return undefined;
  }
}

function failed(functionName: string, qualifier: string, why: string): DeployError {
  return new DeployError('HEALTH_CHECK_FAILED', `${functionName}:${qualifier}: ${why}`, {
    source: 'aws',
    subject: functionName,
    fix: 'mend the handler (its log tail is shown above) and apply again.',
  });
}
