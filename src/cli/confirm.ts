import { DeployError } from '../errors.js';
import type { Context } from './context.js';

/**
 * Refuses before any call where nobody could be asked.
 * @throws CONFIRMATION_REQUIRED
 */
export function requireConfirmable({ host, options }: Context): void {
  if (options['yes'] === true || options['planOnly'] === true || (host.isTerminal.stdin && host.isTerminal.stderr))
    return;
  throw new DeployError(
    'CONFIRMATION_REQUIRED',
    'there is no terminal to ask on, and --yes is not given. Nothing was called.',
    {
      fix: `look at ${options['planOnly'] === undefined ? '`lambda-deploy plan`' : 'what --plan-only shows'}, then pass --yes.`,
    },
  );
}

/**
 * Asks for a clear yes; `--yes` is one.
 * @throws CONFIRMATION_REQUIRED for any other answer
 */
export async function confirm({ host, options }: Context, question: string): Promise<void> {
  if (options['yes'] === true) return;
  const answer = (await host.ask(`${question} [y/N] `)).trim().toLowerCase();
  if (answer === 'y' || answer === 'yes') return;
  throw new DeployError('CONFIRMATION_REQUIRED', 'the plan was not confirmed. Nothing was changed in AWS.', {
    fix: 'answer y to go on.',
  });
}
