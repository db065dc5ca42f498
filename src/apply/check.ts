import { DeployError, isDeployError } from '../errors.js';
import type { HealthCheck, Version } from '../model/function.js';
import type { InvokeAnswer } from '../model/ports.js';
import type { ApplyPorts } from './job.js';
import { judge } from './judge.js';

/** A healthy answer is asked for again after this pause while the answers tell nothing. */
const PAUSE_MS = 250;

/** Codes that say nothing about the version: asked again until the check's own timeout (semantics 14). */
const INCONCLUSIVE = ['AWS_THROTTLED', 'AWS_AMBIGUOUS', 'AWS_UNREACHABLE', 'AWS_CONFLICT'] as const;

/** What is checked: a version by its number, or what an alias answers. */
export interface Checked {
  readonly functionName: string;
  /** The version's number, or the alias. */
  readonly qualifier: string;
  /** The version that has to answer. */
  readonly expected: Version;
}

/**
 * Runs one health check until it passes, its attempts are used up, or its time is over. A handler that throws fails an attempt,
 * whatever the HTTP status; an answer of another version than the expected one says nothing and is none.
 *
 * @param check with the secrets of its payload
 * @throws HEALTH_CHECK_FAILED with what was expected and what came
 */
export async function runCheck(checked: Checked, check: HealthCheck, ports: ApplyPorts): Promise<string> {
  const { attempts = 1, intervalSeconds = 0, expect = {}, timeoutSeconds } = check;
  const deadline = ports.clock.now() + timeoutSeconds * 1000;
  let failure: Failure = { what: 'no answer', logTail: '' };
  for (let attempt = 1; ; attempt += 1) {
    const asked = await askUntil(deadline, checked, check, ports);
    if ('nothing' in asked) {
      const over = `no conclusive answer within ${timeoutSeconds} s`;
      const last = attempt === 1 ? `the last one: ${asked.nothing}` : `the last attempt: ${failure.what}`;
      throw failed(checked, { ...failure, what: `${over}; ${last}` }, ports);
    }
    const verdict = judge(expect, asked.answer, asked.callMs, ports.redact);
    if (verdict.isHealthy) return attempt === 1 ? verdict.what : `${verdict.what}, attempt ${attempt} of ${attempts}`;
    failure = { what: verdict.what, logTail: asked.answer.logTail };
    const isLast = attempt === attempts || ports.clock.now() + intervalSeconds * 1000 >= deadline;
    if (isLast) throw failed(checked, withAttempts(failure, attempt, check), ports);
    const reason = `attempt ${attempt} of ${attempts} to check ${checked.qualifier}: ${failure.what}`;
    ports.emit({ type: 'retrying', function: checked.functionName, reason, seconds: intervalSeconds });
    await ports.clock.sleep(intervalSeconds * 1000, ports.signal);
  }
}

interface Failure {
  readonly what: string;
  readonly logTail: string;
}

/** The first answer that the expected version itself gave, with the time it took; or why there was none. */
async function askUntil(
  deadline: number,
  { functionName, qualifier, expected }: Checked,
  check: HealthCheck,
  ports: ApplyPorts,
): Promise<{ readonly answer: InvokeAnswer; readonly callMs: number } | { readonly nothing: string }> {
  const { clock } = ports;
  const started = clock.now();
  let last = 'no answer';
  for (;;) {
    const asked = clock.now();
    if (asked >= deadline) return { nothing: last };
    try {
      const answer = await ports.lambda.invoke(functionName, qualifier, check, (deadline - asked) / 1000);
      if (answer.executedVersion === undefined || answer.executedVersion === expected)
        return { answer, callMs: clock.now() - asked };
      last = `version ${answer.executedVersion} answered instead of ${expected}`;
    } catch (error) {
      if (!INCONCLUSIVE.some((code) => isDeployError(error, code))) throw error;
      last = (error as DeployError).detail;
    }
    ports.emit({
      type: 'waiting',
      function: functionName,
      waitingFor: `a conclusive answer of ${qualifier} (${last})`,
      seconds: Math.round((clock.now() - started) / 1000),
    });
    await clock.sleep(PAUSE_MS, ports.signal);
  }
}

function withAttempts(failure: Failure, attempt: number, { attempts = 1, timeoutSeconds }: HealthCheck): Failure {
  if (attempts === 1) return failure;
  const why = attempt === attempts ? `${attempts} attempts` : `${attempt} attempts in ${timeoutSeconds} s`;
  return { ...failure, what: `${failure.what} (the last of ${why})` };
}

function failed({ functionName, qualifier }: Checked, { what, logTail }: Failure, ports: ApplyPorts): DeployError {
  if (logTail !== '') ports.emit({ type: 'log-tail', function: functionName, text: logTail });
  return new DeployError('HEALTH_CHECK_FAILED', `${functionName}:${qualifier}: ${what}`, {
    source: 'aws',
    subject: functionName,
    fix:
      logTail === ''
        ? 'mend the handler and apply again.'
        : 'mend the handler (its log tail is shown above) and apply again.',
  });
}
